// camera DEVICE PICTURES: plays raw YUYV pictures of 1280x720 through v4l2loopback, one every five seconds, again and again.
//
// v4l2loopback hands its eight buffers out in turn, whether they were given back or not, and here the appliance keeps one for
// as long as its detector takes: they must not come faster.
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 1280, HEIGHT = 720, BYTES = WIDTH * HEIGHT * 2, INTERVAL_S = 5 };

static int failed(const char *what) {
    fprintf(stderr, "camera: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int pictures = open(arguments[2], O_RDONLY), device = open(arguments[1], O_RDWR);
    struct stat file;
    if (pictures < 0 || device < 0 || fstat(pictures, &file) != 0) return failed("open");
    const char *bytes = mmap(NULL, file.st_size, PROT_READ, MAP_PRIVATE, pictures, 0);
    if (bytes == MAP_FAILED || file.st_size < BYTES) return failed(arguments[2]);

    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    format.fmt.pix = (struct v4l2_pix_format){.width = WIDTH, .height = HEIGHT, .pixelformat = V4L2_PIX_FMT_YUYV,
        .field = V4L2_FIELD_NONE, .bytesperline = WIDTH * 2, .sizeimage = BYTES, .colorspace = V4L2_COLORSPACE_SRGB};
    if (ioctl(device, VIDIOC_S_FMT, &format) != 0) return failed("the format");

    struct v4l2_streamparm rate = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    rate.parm.output.timeperframe = (struct v4l2_fract){.numerator = INTERVAL_S, .denominator = 1};
    if (ioctl(device, VIDIOC_S_PARM, &rate) != 0) return failed("the rate");

    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (off_t number = 0;; number = (number + 1) % (file.st_size / BYTES)) {
        if (write(device, bytes + number * BYTES, BYTES) != BYTES) return failed("a picture");
        due.tv_sec += INTERVAL_S;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
}

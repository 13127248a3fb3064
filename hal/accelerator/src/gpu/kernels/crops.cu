// Cuts the squares round balls out of a picture, into crops for the reader of numbers and colours: what `golden_crop`
// means, on a GPU.
//
// A thread makes one part of a crop, all three colours. Squares are small, and neighbours share most of what they read, so
// nothing is kept between threads.
//
// Everything is written as loops over the block's threads, so that the same source, run by one thread a block, is a program
// for a CPU; the tests do that (`tests/fakes`).

// Parts of a crop that a block makes, and its threads.
#define PARTS 128

enum Pixels { YUYV, NV12, GREY, RGB24, RG10 };

// As `Parameters` in crops.rs.
struct Parameters {
    unsigned pixels;
    unsigned width;
    unsigned height;
    unsigned stride;
    // Width and height of a crop.
    unsigned side;
};

// As `Square` in square.rs. Of length 0: the crop is black.
struct Square {
    float x;
    float y;
    float length;
    unsigned step;
};

// The part of a crop along one axis, and the blocks of `step` pixels that it covers.
struct Stretch {
    float low;
    float high;
    int first;
    int end;
};

__device__ static Stretch stretch_of(float first, float length, unsigned part, unsigned parts, float step)
{
    Stretch stretch;
    stretch.low = first + length * (float)part / (float)parts;
    stretch.high = first + length * (float)(part + 1) / (float)parts;
    stretch.first = (int)floorf(stretch.low / step);
    stretch.end = (int)ceilf(stretch.high / step);
    // A part so small that its two ends are the same number.
    stretch.end = stretch.end > stretch.first ? stretch.end : stretch.first + 1;
    return stretch;
}

// How much of the stretch lies in a block, in pixels.
__device__ static float covered(const Stretch& stretch, int block, float step)
{
    float begin = (float)block * step, end = begin + step;
    return (end < stretch.high ? end : stretch.high) - (begin > stretch.low ? begin : stretch.low);
}

// The pixel that stands for a block; beyond the picture the nearest one goes on.
__device__ static unsigned pixel_of(int block, unsigned step, unsigned pixels)
{
    int middle = block * (int)step + (int)(step / 2);
    return middle < 0 ? 0 : middle < (int)pixels ? (unsigned)middle : pixels - 1;
}

__device__ static float clamped(float level)
{
    return level < 0.0f ? 0.0f : level > 255.0f ? 255.0f : level;
}

// From Y Cb Cr to R G B, BT.601, limited range.
__device__ static void rgb_of_ycbcr(float y, float cb, float cr, float* rgb)
{
    float luma = 1.16438356f * (y - 16.0f);
    cb -= 128.0f;
    cr -= 128.0f;
    rgb[0] = clamped(luma + 1.59602679f * cr);
    rgb[1] = clamped(luma - 0.39176229f * cb - 0.81296765f * cr);
    rgb[2] = clamped(luma + 2.01723214f * cb);
}

// The sum of the two places nearest to `at` that have a colour of the filter, `at` itself twice where it is one; at the
// picture's edge the one neighbour stands for both.
struct Two {
    unsigned first;
    unsigned second;
};

__device__ static Two nearest(unsigned at, unsigned parity, unsigned size)
{
    if ((at & 1) == parity) {
        return Two{at, at};
    }
    unsigned before = at > 0 ? at - 1 : at + 1, after = at + 1 < size ? at + 1 : at - 1;
    return Two{before, after};
}

__device__ static float filter_sample(const unsigned char* picture, const Parameters& p, unsigned x, unsigned y)
{
    const unsigned char* bytes = picture + (unsigned long long)y * p.stride + 2 * x;
    return (float)(bytes[0] | (unsigned)bytes[1] << 8) * (255.0f / 1023.0f);
}

__device__ static float filter_colour(
    const unsigned char* picture, const Parameters& p, unsigned x, unsigned y, unsigned column, unsigned line)
{
    Two columns = nearest(x, column, p.width), lines = nearest(y, line, p.height);
    return 0.25f
        * (filter_sample(picture, p, columns.first, lines.first) + filter_sample(picture, p, columns.second, lines.first)
            + filter_sample(picture, p, columns.first, lines.second)
            + filter_sample(picture, p, columns.second, lines.second));
}

// Levels of red, green and blue of a pixel, 0 to 255.
__device__ static void rgb_of(const unsigned char* picture, const Parameters& p, unsigned x, unsigned y, float* rgb)
{
    const unsigned char* line = picture + (unsigned long long)y * p.stride;
    switch (p.pixels) {
    case YUYV: {
        const unsigned char* pair = line + x / 2 * 4;
        rgb_of_ycbcr((float)line[2 * x], (float)pair[1], (float)pair[3], rgb);
        break;
    }
    case NV12: {
        const unsigned char* chroma = picture + (unsigned long long)(p.height + y / 2) * p.stride + (x & ~1u);
        rgb_of_ycbcr((float)line[x], (float)chroma[0], (float)chroma[1], rgb);
        break;
    }
    case RGB24:
        for (unsigned channel = 0; channel < 3; ++channel) {
            rgb[channel] = (float)line[3 * x + channel];
        }
        break;
    case RG10:
        rgb[0] = filter_colour(picture, p, x, y, 0, 0);
        rgb[1] = 0.5f * (filter_colour(picture, p, x, y, 1, 0) + filter_colour(picture, p, x, y, 0, 1));
        rgb[2] = filter_colour(picture, p, x, y, 1, 1);
        break;
    default:
        rgb[0] = rgb[1] = rgb[2] = (float)line[x];
    }
}

// Grid: enough blocks for the parts of a crop, times the crops. Blocks of PARTS threads.
extern "C" __global__ void crops(
    const unsigned char* picture, const Parameters* parameters, const Square* squares, float* input)
{
    const Parameters p = *parameters;
    const Square square = squares[blockIdx.y];
    const unsigned parts = p.side * p.side;
    const unsigned first = blockIdx.x * PARTS, end = first + PARTS < parts ? first + PARTS : parts;
    const float step = (float)square.step;
    float* crop = input + (unsigned long long)blockIdx.y * 3 * parts;
    for (unsigned part = first + threadIdx.x; part < end; part += blockDim.x) {
        float mean[3] = {0.0f, 0.0f, 0.0f};
        if (square.length > 0.0f) {
            const Stretch across = stretch_of(square.x, square.length, part % p.side, p.side, step);
            const Stretch down = stretch_of(square.y, square.length, part / p.side, p.side, step);
            const float one_by_area = 1.0f / ((across.high - across.low) * (down.high - down.low));
            for (int row = down.first; row < down.end; ++row) {
                for (int column = across.first; column < across.end; ++column) {
                    float rgb[3];
                    rgb_of(picture, p, pixel_of(column, square.step, p.width), pixel_of(row, square.step, p.height), rgb);
                    const float share = covered(across, column, step) * covered(down, row, step) * one_by_area;
                    for (unsigned channel = 0; channel < 3; ++channel) {
                        mean[channel] += share * rgb[channel];
                    }
                }
            }
        }
        for (unsigned channel = 0; channel < 3; ++channel) {
            crop[channel * parts + part] = mean[channel] / 255.0f;
        }
    }
}

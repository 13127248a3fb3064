// The network `spots` of the fixtures (`fixtures/generate.py` tells what it computes) as a kernel: a stand-in for a
// network whose engine needs more than a GPU. One thread makes one cell of an output. The image's size is one number:
// the width, and above its 32 bits the height.

#define BALL_STRIDE 8
#define CUE_STRIDE 16

struct Image {
    const float* levels;
    int width;
    int height;
};

__device__ static Image image_of(const float* levels, unsigned long long size_px)
{
    return Image{levels, (int)(size_px & 0xffffffff), (int)(size_px >> 32)};
}

__device__ static float pixel(const Image& image, int channel, int x, int y)
{
    return image.levels[(channel * image.height + y) * image.width + x];
}

// How far the brightest channel is above 0.6; nothing outside the image.
__device__ static float light(const Image& image, int x, int y)
{
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) {
        return 0.0f;
    }
    float brightest = pixel(image, 0, x, y);
    for (int channel = 1; channel < 3; ++channel) {
        float level = pixel(image, channel, x, y);
        brightest = level > brightest ? level : brightest;
    }
    return brightest > 0.6f ? brightest - 0.6f : 0.0f;
}

extern "C" __global__ void balls(const float* levels, float* output, unsigned long long size_px)
{
    const Image image = image_of(levels, size_px);
    const int columns = image.width / BALL_STRIDE, cells = columns * (image.height / BALL_STRIDE);
    const float kinds[5][3] = {{8, 8, 8}, {-20, -20, -20}, {20, -20, -20}, {-20, 20, -20}, {-20, -20, 20}};
    for (int cell = (int)(blockIdx.x * blockDim.x + threadIdx.x); cell < cells; cell += (int)(gridDim.x * blockDim.x)) {
        const int left = cell % columns * BALL_STRIDE, top = cell / columns * BALL_STRIDE;
        float in_cell = 0.0f, mass = 0.0f, across = 0.0f, down = 0.0f, colour[3] = {0.0f, 0.0f, 0.0f};
        for (int y = -BALL_STRIDE; y < 2 * BALL_STRIDE; ++y) {
            for (int x = -BALL_STRIDE; x < 2 * BALL_STRIDE; ++x) {
                float here = light(image, left + x, top + y);
                mass += here;
                across += here * ((float)x + 8.0f - 11.5f) / 8.0f;
                down += here * ((float)y + 8.0f - 11.5f) / 8.0f;
                if (x >= 0 && x < BALL_STRIDE && y >= 0 && y < BALL_STRIDE) {
                    in_cell += here / 64.0f;
                    for (int channel = 0; channel < 3; ++channel) {
                        colour[channel] += pixel(image, channel, left + x, top + y) / 64.0f;
                    }
                }
            }
        }
        output[cell] = in_cell * (16.0f / (1.0f - 0.6f)) - 6.0f;
        for (int kind = 0; kind < 5; ++kind) {
            output[(1 + kind) * cells + cell]
                = kinds[kind][0] * colour[0] + kinds[kind][1] * colour[1] + kinds[kind][2] * colour[2];
        }
        output[6 * cells + cell] = across / (mass + 1e-6f);
        output[7 * cells + cell] = down / (mass + 1e-6f);
        output[8 * cells + cell] = 0.405465108f;
        output[9 * cells + cell] = 0.693147181f;
    }
}

extern "C" __global__ void cues(const float* levels, float* output, unsigned long long size_px)
{
    const Image image = image_of(levels, size_px);
    const int columns = image.width / CUE_STRIDE, cells = columns * (image.height / CUE_STRIDE);
    const float axis[10] = {0, 0, -1, 0, -9, 0, 0, -9, 0, 0};
    for (int cell = (int)(blockIdx.x * blockDim.x + threadIdx.x); cell < cells; cell += (int)(gridDim.x * blockDim.x)) {
        const int left = cell % columns * CUE_STRIDE, top = cell / columns * CUE_STRIDE;
        float blue = 0.0f;
        for (int y = top; y < top + CUE_STRIDE; ++y) {
            for (int x = left; x < left + CUE_STRIDE; ++x) {
                float over = pixel(image, 2, x, y) - pixel(image, 0, x, y);
                blue += over > 0.0f ? over / 256.0f : 0.0f;
            }
        }
        output[cell] = 16.0f * blue - 4.0f;
        for (int value = 0; value < 10; ++value) {
            output[(1 + value) * cells + cell] = axis[value];
        }
    }
}

// From the camera's pixels to the network's input in one pass: what `preprocess::golden` and `preprocess::golden_rg10`
// mean, on a GPU.
//
// A block makes TILE columns of one line of the input. Its threads first blend the lines of the picture that make that
// line, four bytes at a time, so that each byte is read once and neighbours read neighbours: the picture may lie in
// host memory. Then each column is summed from the blended line.
//
// Everything is written as loops over the block's threads with nothing between two barriers but such a loop. So the same
// source, run by one thread a block, is a program for a CPU; the tests do that (`tests/fakes`).

// Columns of a block, and its threads.
#define TILE 128
// Elements of a blended line that are kept at a time. Windows of wider tiles are worked on one after the other.
#define WINDOW 4096

enum Pixels { YUYV, NV12, GREY, RGB24, RG10 };

// As `Parameters` in preprocess.rs.
struct Parameters {
    unsigned pixels;
    unsigned height;
    unsigned stride;
    unsigned size_bytes;
    // The region of the picture.
    unsigned region_x;
    unsigned region_y;
    unsigned region_width;
    unsigned region_height;
    // Where it lies in the input.
    unsigned left;
    unsigned top;
    unsigned width;
    unsigned height_in_input;
    unsigned input_width;
    unsigned input_height;
    // The input's numbers have 16 bits instead of 32.
    unsigned is_half;
    unsigned picture_width;
};

// What makes one line or column of the input: the source pixels from `first` to `last`, counted from the region's first.
// Shrinking, they cover the stretch from `begin` to `end`, in parts of which a pixel has `parts`; growing, `second` is
// the weight of the second of two.
struct Taps {
    bool shrinks;
    int first;
    int last;
    unsigned parts;
    unsigned begin;
    unsigned end;
    float one_by_length;
    float second;
};

__device__ static Taps taps_of(unsigned index, unsigned source, unsigned destination)
{
    Taps taps = {source >= destination, 0, 0, destination, index * source, (index + 1) * source, 0.0f, 0.0f};
    if (taps.shrinks) {
        taps.first = (int)(taps.begin / destination);
        taps.last = (int)((taps.end - 1) / destination);
        taps.one_by_length = 1.0f / (float)source;
    } else {
        // The way from the first pixel's middle to the middle of what is made, doubled, so that it is whole.
        int twice = (int)((2 * index + 1) * source) - (int)destination;
        int most = 2 * (int)((source - 1) * destination);
        twice = twice < 0 ? 0 : twice > most ? most : twice;
        int rest = twice % (int)(2 * destination);
        taps.first = twice / (int)(2 * destination);
        taps.last = taps.first + (rest > 0);
        taps.second = (float)rest / (float)(2 * destination);
    }
    return taps;
}

// The weight of a source pixel: area average when shrinking, linear when growing; 0 where it has no part.
__device__ static float weight(const Taps& taps, int tap)
{
    if (tap < taps.first || tap > taps.last) {
        return 0.0f;
    }
    if (taps.shrinks) {
        unsigned from = (unsigned)tap * taps.parts, to = from + taps.parts;
        return (float)((to < taps.end ? to : taps.end) - (from > taps.begin ? from : taps.begin)) * taps.one_by_length;
    }
    return tap == taps.first ? 1.0f - taps.second : taps.second;
}

// The weight of a line or column of the colour filter: its own pixel's, and its share of the two neighbours, whose
// colour it helps to interpolate; all of it where the neighbour has none on its other side. `position` counts from the
// picture's first, and so does `size`.
__device__ static float filter_weight(const Taps& taps, int position, unsigned region_first, unsigned size)
{
    int tap = position - (int)region_first;
    float before = weight(taps, tap - 1), after = weight(taps, tap + 1);
    return weight(taps, tap) + (position >= 2 ? 0.5f : 1.0f) * before
        + (position + 2 < (int)size ? 0.5f : 1.0f) * after;
}

// The samples of a picture that lie together in lines of their own: NV12 has luminance and chroma, the colour filter has
// lines of red and green, and lines of green and blue.
__device__ static unsigned planes_of(const Parameters& p)
{
    return p.pixels == NV12 || p.pixels == RG10 ? 2 : 1;
}

// The lines of a plane that make one line of the input.
struct Lines {
    int first;
    int last;
    int step;
    // The byte of the picture at which line 0 begins.
    unsigned start;
};

__device__ static Lines lines_of(const Parameters& p, unsigned plane, const Taps& rows)
{
    int first = (int)p.region_y + rows.first, last = (int)p.region_y + rows.last;
    if (p.pixels == RG10) {
        first = first > 0 ? first - 1 : 0;
        last = last + 1 < (int)p.height ? last + 1 : last;
        first += (first & 1) != (int)plane;
        return Lines{first, last, 2, 0};
    }
    if (p.pixels == NV12 && plane == 1) {
        return Lines{first >> 1, last >> 1, 1, p.height * p.stride};
    }
    return Lines{first, last, 1, 0};
}

__device__ static float line_weight(const Parameters& p, unsigned plane, const Taps& rows, int line)
{
    if (p.pixels == RG10) {
        return filter_weight(rows, line, p.region_y, p.height);
    }
    if (p.pixels == NV12 && plane == 1) {
        int tap = 2 * line - (int)p.region_y;
        return weight(rows, tap) + weight(rows, tap + 1);
    }
    return weight(rows, line - (int)p.region_y);
}

// Bytes of an element of a line.
__device__ static unsigned element_bytes(const Parameters& p)
{
    return p.pixels == RG10 ? 2 : 1;
}

// The first of the elements that a pixel in column `x` takes from a plane, and the last.
__device__ static unsigned first_element(const Parameters& p, unsigned plane, unsigned x)
{
    switch (p.pixels) {
    case YUYV:
        return x / 2 * 4;
    case NV12:
        return plane == 1 ? x & ~1u : x;
    case RGB24:
        return 3 * x;
    case RG10:
        return x > 0 ? x - 1 : 0;
    default:
        return x;
    }
}

__device__ static unsigned last_element(const Parameters& p, unsigned plane, unsigned x)
{
    switch (p.pixels) {
    case YUYV:
        return x / 2 * 4 + 3;
    case NV12:
        return plane == 1 ? x | 1u : x;
    case RGB24:
        return 3 * x + 2;
    case RG10:
        return x + 1 < p.picture_width ? x + 1 : x;
    default:
        return x;
    }
}

// A part of a blended line.
struct Blended {
    const float* elements;
    unsigned begin;
    unsigned end;
};

__device__ static float element(const Blended& line, unsigned at)
{
    return at >= line.begin && at < line.end ? line.elements[at - line.begin] : 0.0f;
}

// Adds what a column of a plane gives to Y Cb Cr, to R G B, or to the luminance, three floats that lie TILE apart.
__device__ static void add_column(
    const Parameters& p, unsigned plane, unsigned x, const Taps& columns, const Blended& line, float* sums)
{
    if (p.pixels == RG10) {
        float share = filter_weight(columns, (int)x, p.region_x, p.picture_width);
        bool is_green = (x & 1) != plane;
        float level = share * element(line, x) * (255.0f / 1023.0f);
        if (is_green) {
            sums[TILE] += 0.5f * level;
        } else {
            sums[plane == 0 ? 0 : 2 * TILE] += level;
        }
        return;
    }
    float share = weight(columns, (int)(x - p.region_x));
    switch (p.pixels) {
    case YUYV:
        sums[0] += share * element(line, 2 * x);
        sums[TILE] += share * element(line, x / 2 * 4 + 1);
        sums[2 * TILE] += share * element(line, x / 2 * 4 + 3);
        break;
    case NV12:
        if (plane == 0) {
            sums[0] += share * element(line, x);
        } else {
            sums[TILE] += share * element(line, x & ~1u);
            sums[2 * TILE] += share * element(line, x | 1u);
        }
        break;
    case RGB24:
        sums[0] += share * element(line, 3 * x);
        sums[TILE] += share * element(line, 3 * x + 1);
        sums[2 * TILE] += share * element(line, 3 * x + 2);
        break;
    default:
        sums[0] += share * element(line, x);
    }
}

// Four bytes of a picture; those beyond its end are 0.
__device__ static unsigned four_bytes(const unsigned char* picture, unsigned at, unsigned size_bytes)
{
    const unsigned char* bytes = picture + at;
    if (((unsigned long long)bytes & 3) == 0 && at + 4 <= size_bytes) {
        return *(const unsigned*)bytes;
    }
    unsigned four = 0;
    for (unsigned k = 0; k < 4 && at + k < size_bytes; ++k) {
        four |= (unsigned)bytes[k] << 8 * k;
    }
    return four;
}

// The 16-bit form of a number between 0 and 1, to the nearest, to even where two are as near.
__device__ static unsigned short half_of(float number)
{
    const float smallest_normal = 6.103515625e-5f;
    if (number < smallest_normal) {
        return (unsigned short)(int)rintf(number * 16777216.0f);
    }
    unsigned bits = __float_as_uint(number);
    return (unsigned short)((bits + 0xfff + (bits >> 13 & 1) - (112u << 23)) >> 13);
}

__device__ static void store(const Parameters& p, void* input, unsigned channel, unsigned x, unsigned y, float level)
{
    unsigned at = (channel * p.input_height + y) * p.input_width + x;
    if (p.is_half) {
        ((unsigned short*)input)[at] = half_of(level);
    } else {
        ((float*)input)[at] = level;
    }
}

// From sums of Y Cb Cr to R G B, BT.601, limited range.
__device__ static void to_rgb(float* sums)
{
    float luma = 1.16438356f * (sums[0] - 16.0f);
    float cb = sums[TILE] - 128.0f, cr = sums[2 * TILE] - 128.0f;
    sums[0] = luma + 1.59602679f * cr;
    sums[TILE] = luma - 0.39176229f * cb - 0.81296765f * cr;
    sums[2 * TILE] = luma + 2.01723214f * cb;
}

// Grid: enough blocks for every column of the input, times its lines. Blocks of TILE threads.
extern "C" __global__ void preprocess(const unsigned char* picture, const Parameters* parameters, void* input)
{
    __shared__ Parameters shared_parameters;
    __shared__ float window[WINDOW];
    __shared__ float tile_sums[3 * TILE];
    for (unsigned word = threadIdx.x; word < sizeof(Parameters) / 4; word += blockDim.x) {
        ((unsigned*)&shared_parameters)[word] = ((const unsigned*)parameters)[word];
    }
    for (unsigned at = threadIdx.x; at < 3 * TILE; at += blockDim.x) {
        tile_sums[at] = 0.0f;
    }
    __syncthreads();
    const Parameters& p = shared_parameters;

    const unsigned y = blockIdx.y;
    const unsigned tile_first = blockIdx.x * TILE;
    const unsigned tile_end = tile_first + TILE < p.input_width ? tile_first + TILE : p.input_width;
    // The part of the tile that shows the region.
    const unsigned first = tile_first > p.left ? tile_first : p.left;
    const unsigned end = tile_end < p.left + p.width ? tile_end : p.left + p.width;
    const bool shows_the_region = first < end && y >= p.top && y < p.top + p.height_in_input;

    if (shows_the_region) {
        const Taps rows = taps_of(y - p.top, p.region_height, p.height_in_input);
        const Taps first_columns = taps_of(first - p.left, p.region_width, p.width);
        const Taps last_columns = taps_of(end - 1 - p.left, p.region_width, p.width);
        const unsigned bytes_each = element_bytes(p);
        for (unsigned plane = 0; plane < planes_of(p); ++plane) {
            const Lines lines = lines_of(p, plane, rows);
            const unsigned first_byte = first_element(p, plane, p.region_x + first_columns.first) * bytes_each & ~3u;
            const unsigned end_byte = (last_element(p, plane, p.region_x + last_columns.last) + 1) * bytes_each;
            for (unsigned begin = first_byte; begin < end_byte; begin += WINDOW * bytes_each) {
                unsigned bytes = end_byte - begin < WINDOW * bytes_each ? end_byte - begin : WINDOW * bytes_each;
                for (unsigned at = 4 * threadIdx.x; at < bytes; at += 4 * blockDim.x) {
                    float blended[4] = {0.0f, 0.0f, 0.0f, 0.0f};
                    for (int line = lines.first; line <= lines.last; line += lines.step) {
                        float share = line_weight(p, plane, rows, line);
                        unsigned four = four_bytes(picture, lines.start + (unsigned)line * p.stride + begin + at, p.size_bytes);
                        if (bytes_each == 2) {
                            blended[0] += share * (float)(four & 0xffff);
                            blended[1] += share * (float)(four >> 16);
                        } else {
                            blended[0] += share * (float)(four & 0xff);
                            blended[1] += share * (float)(four >> 8 & 0xff);
                            blended[2] += share * (float)(four >> 16 & 0xff);
                            blended[3] += share * (float)(four >> 24);
                        }
                    }
                    float* elements = window + at / bytes_each;
                    elements[0] = blended[0];
                    elements[1] = blended[1];
                    if (bytes_each == 1) {
                        elements[2] = blended[2];
                        elements[3] = blended[3];
                    }
                }
                __syncthreads();
                const Blended line = {window, begin / bytes_each, (begin + bytes) / bytes_each};
                for (unsigned x = first + threadIdx.x; x < end; x += blockDim.x) {
                    const Taps columns = taps_of(x - p.left, p.region_width, p.width);
                    int from = (int)p.region_x + columns.first, to = (int)p.region_x + columns.last;
                    if (p.pixels == RG10) {
                        from = from > 0 ? from - 1 : 0;
                        to = to + 1 < (int)p.picture_width ? to + 1 : to;
                    }
                    for (int column = from; column <= to; ++column) {
                        add_column(p, plane, (unsigned)column, columns, line, tile_sums + (x - tile_first));
                    }
                }
                __syncthreads();
            }
        }
    }

    for (unsigned x = tile_first + threadIdx.x; x < tile_end; x += blockDim.x) {
        float* sums = tile_sums + (x - tile_first);
        bool is_filled = !shows_the_region || x < first || x >= end;
        if (p.pixels == YUYV || p.pixels == NV12) {
            to_rgb(sums);
        }
        for (unsigned channel = 0; channel < 3; ++channel) {
            float level = sums[p.pixels == GREY ? 0 : channel * TILE] / 255.0f;
            level = level < 0.0f ? 0.0f : level > 1.0f ? 1.0f : level;
            store(p, input, channel, x, y, is_filled ? 114.0f / 255.0f : level);
        }
    }
}

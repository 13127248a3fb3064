// A libcuda.so.1 without a GPU: the driver's calls that the accelerator uses, on host memory, with the kernels as host
// code. It finds what a real driver would not forgive: addresses that nobody took, work that cannot be captured, events
// that were never recorded.
//
// BAIZE_FAKE_CUDA holds words: `no-device`, `integrated`, `cannot-register`, `late-ms=N` (what is launched begins so late), and
// faults at the Nth launch of a graph: `launch-fails-at=N`, `sticky-at=N` (an illegal address), `stuck-at=N` (its work never
// ends).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// The kernels, each block run by one thread.
struct Dimensions {
    unsigned x = 1, y = 1;
};
static thread_local Dimensions blockIdx, gridDim;
static const Dimensions threadIdx = {0, 0}, blockDim = {1, 1};
#define __device__
#define __global__
#define __shared__ static thread_local
static void __syncthreads() {}
static unsigned __float_as_uint(float number)
{
    unsigned bits;
    std::memcpy(&bits, &number, sizeof bits);
    return bits;
}
#include "../../src/gpu/kernels/preprocess.cu"
namespace cutting {
#include "../../src/gpu/kernels/crops.cu"
}
namespace spots {
#include "../kernels/spots.cu"
}

namespace {

enum Result : unsigned {
    OK = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NO_DEVICE = 100,
    INVALID_PTX = 218,
    INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    OUT_OF_RESOURCES = 701,
    NOT_REGISTERED = 713,
    NOT_SUPPORTED = 801,
    CAPTURE_UNSUPPORTED = 900,
};

const std::map<unsigned, const char*> NAMES = {
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
    {OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
    {NOT_REGISTERED, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
};

using Clock = std::chrono::steady_clock;
using Work = std::function<Result()>;

constexpr size_t TOTAL_BYTES = size_t(8) << 30;

struct Event {
    bool was_recorded = false;
    Clock::time_point at;
};
struct Graph {
    std::vector<Work> work;
};
struct Stream {
    bool is_capturing = false;
    Result spoilt = OK;
    Graph captured;
};
struct Function {
    // Checks its arguments, then runs all blocks.
    Result (*run)(void** arguments, Dimensions grid);
    size_t arguments;
};
struct Module {
    std::string ptx;
};

std::mutex mutex;
// Never freed: a thread that waits for a stuck GPU does so until the process is gone.
std::condition_variable& never = *new std::condition_variable;
// Every stretch of memory that the GPU may use, by its first byte.
std::map<uintptr_t, size_t> known;
size_t device_bytes = 0;
unsigned launches = 0;
bool is_stuck = false;
Result sticky = OK;
thread_local bool has_context = false;
int context;

std::string words()
{
    const char* text = std::getenv("BAIZE_FAKE_CUDA");
    return text ? text : "";
}

bool is_told(const char* word)
{
    return words().find(word) != std::string::npos;
}

// The N of `word=N`; 0 where it was not told.
unsigned number_of(const char* word)
{
    const std::string text = words();
    const size_t at = text.find(word);
    return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + std::strlen(word) + 1);
}

bool is_known(uint64_t address, size_t bytes)
{
    auto after = known.upper_bound(address);
    if (after == known.begin()) {
        return false;
    }
    auto [begin, size] = *std::prev(after);
    return address + bytes <= begin + size;
}

void know(void* memory, size_t bytes)
{
    known[(uintptr_t)memory] = bytes;
}

Result run_preprocess(void** arguments, Dimensions grid)
{
    auto picture = *(const unsigned char**)arguments[0];
    auto parameters = *(const Parameters**)arguments[1];
    auto input = *(void**)arguments[2];
    if (!is_known((uint64_t)parameters, sizeof *parameters)) {
        return ILLEGAL_ADDRESS;
    }
    size_t numbers = size_t(3) * parameters->input_width * parameters->input_height;
    if (!is_known((uint64_t)picture, parameters->size_bytes)
        || !is_known((uint64_t)input, numbers * (parameters->is_half ? 2 : 4))) {
        return ILLEGAL_ADDRESS;
    }
    gridDim = grid;
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
        for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
            preprocess(picture, parameters, input);
        }
    }
    return OK;
}

Result run_crops(void** arguments, Dimensions grid)
{
    auto picture = *(const unsigned char**)arguments[0];
    auto parameters = *(const cutting::Parameters**)arguments[1];
    auto squares = *(const cutting::Square**)arguments[2];
    auto input = *(float**)arguments[3];
    if (!is_known((uint64_t)parameters, sizeof *parameters) || !is_known((uint64_t)squares, grid.y * sizeof *squares)) {
        return ILLEGAL_ADDRESS;
    }
    size_t lines = parameters->height + (parameters->pixels == cutting::NV12 ? (parameters->height + 1) / 2 : 0);
    size_t numbers = size_t(3) * parameters->side * parameters->side * grid.y;
    if (!is_known((uint64_t)picture, lines * parameters->stride) || !is_known((uint64_t)input, numbers * 4)) {
        return ILLEGAL_ADDRESS;
    }
    gridDim = grid;
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
        for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
            cutting::crops(picture, parameters, squares, input);
        }
    }
    return OK;
}

template <void (*kernel)(const float*, float*, unsigned long long), unsigned CHANNELS, unsigned STRIDE>
Result run_spots(void** arguments, Dimensions)
{
    auto image = *(const float**)arguments[0];
    auto output = *(float**)arguments[1];
    auto size_px = *(const unsigned long long*)arguments[2];
    size_t pixels = (size_px & 0xffffffff) * (size_px >> 32);
    if (!is_known((uint64_t)image, 3 * pixels * 4)
        || !is_known((uint64_t)output, CHANNELS * pixels / (STRIDE * STRIDE) * 4)) {
        return ILLEGAL_ADDRESS;
    }
    blockIdx = {0, 0};
    gridDim = {1, 1};
    kernel(image, output, size_px);
    return OK;
}

const std::map<std::string, Function> FUNCTIONS = {
    {"preprocess", {run_preprocess, 3}},
    {"crops", {run_crops, 4}},
    {"balls", {run_spots<spots::balls, 10, BALL_STRIDE>, 3}},
    {"cues", {run_spots<spots::cues, 11, CUE_STRIDE>, 3}},
};

// Carries work out, or keeps it where the stream is being captured. What goes wrong on a GPU stays wrong.
Result give(Stream* stream, Work work)
{
    if (stream->is_capturing) {
        stream->captured.work.push_back(std::move(work));
        return OK;
    }
    Result result = work();
    if (result != OK) {
        sticky = result;
    }
    return OK;
}

// What every call but the first few has in common.
struct Call {
    std::lock_guard<std::mutex> lock{mutex};
    Result refused = sticky != OK ? sticky : has_context ? OK : INVALID_CONTEXT;
};

} // namespace

#define CALL(...)                                                                                                      \
    Call call;                                                                                                         \
    if (call.refused != OK) {                                                                                          \
        return call.refused;                                                                                           \
    }

extern "C" {

unsigned cuInit(unsigned)
{
    return is_told("no-device") ? NO_DEVICE : OK;
}

unsigned cuGetErrorName(unsigned code, const char** name)
{
    auto found = NAMES.find(code);
    *name = found == NAMES.end() ? nullptr : found->second;
    return found == NAMES.end() ? INVALID_VALUE : OK;
}

unsigned cuDriverGetVersion(int* version)
{
    *version = 12060;
    return OK;
}

unsigned cuDeviceGetCount(int* count)
{
    *count = 1;
    return OK;
}

unsigned cuDeviceGet(int* device, int)
{
    *device = 0;
    return OK;
}

unsigned cuDeviceGetName(char* name, int room, int)
{
    std::snprintf(name, room, "a GPU that is not there");
    return OK;
}

unsigned cuDeviceGetPCIBusId(char* text, int room, int)
{
    std::snprintf(text, room, "0000:01:00.0");
    return OK;
}

unsigned cuDeviceGetAttribute(int* value, int attribute, int)
{
    switch (attribute) {
    case 18: // integrated
        *value = is_told("integrated");
        break;
    case 19: // can map host memory
        *value = 1;
        break;
    case 75: // compute capability, major and minor
        *value = 8;
        break;
    case 76:
        *value = 7;
        break;
    case 99: // can register host memory
        *value = !is_told("cannot-register");
        break;
    default:
        return INVALID_VALUE;
    }
    return OK;
}

unsigned cuDevicePrimaryCtxSetFlags_v2(int, unsigned)
{
    return OK;
}

unsigned cuDevicePrimaryCtxRetain(void** handle, int)
{
    *handle = &context;
    return OK;
}

unsigned cuDevicePrimaryCtxRelease_v2(int)
{
    return OK;
}

unsigned cuCtxSetCurrent(void* handle)
{
    has_context = handle == &context;
    return has_context ? OK : INVALID_CONTEXT;
}

// What the fake libnvinfer puts on a stream.
unsigned cuLaunchHostFunc(Stream* stream, void (*function)(void*), void* data)
{
    CALL();
    return give(stream, [function, data] {
        function(data);
        return OK;
    });
}

unsigned cuMemGetInfo_v2(size_t* free, size_t* total)
{
    CALL();
    *free = TOTAL_BYTES - device_bytes;
    *total = TOTAL_BYTES;
    return OK;
}

unsigned cuMemAlloc_v2(uint64_t* address, size_t bytes)
{
    CALL();
    if (bytes > TOTAL_BYTES - device_bytes) {
        return OUT_OF_MEMORY;
    }
    void* memory = std::malloc(bytes);
    // What a GPU's memory holds at first is anything.
    std::memset(memory, 0xa5, bytes);
    know(memory, bytes);
    device_bytes += bytes;
    *address = (uint64_t)memory;
    return OK;
}

unsigned cuMemFree_v2(uint64_t address)
{
    CALL();
    auto found = known.find(address);
    if (found == known.end()) {
        return INVALID_VALUE;
    }
    device_bytes -= found->second;
    known.erase(found);
    std::free((void*)address);
    return OK;
}

unsigned cuMemHostAlloc(void** memory, size_t bytes, unsigned)
{
    CALL();
    *memory = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    std::memset(*memory, 0xa5, bytes);
    know(*memory, bytes);
    return OK;
}

unsigned cuMemFreeHost(void* memory)
{
    CALL();
    if (known.erase((uintptr_t)memory) == 0) {
        return INVALID_VALUE;
    }
    std::free(memory);
    return OK;
}

unsigned cuMemHostRegister_v2(void* memory, size_t bytes, unsigned)
{
    CALL();
    if (is_told("cannot-register") || (uintptr_t)memory % 4096 != 0 || bytes % 4096 != 0) {
        return NOT_SUPPORTED;
    }
    know(memory, bytes);
    return OK;
}

unsigned cuMemHostUnregister(void* memory)
{
    CALL();
    return known.erase((uintptr_t)memory) == 1 ? OK : NOT_REGISTERED;
}

unsigned cuMemHostGetDevicePointer_v2(uint64_t* address, void* memory, unsigned)
{
    CALL();
    if (!is_known((uint64_t)memory, 1)) {
        return NOT_REGISTERED;
    }
    *address = (uint64_t)memory;
    return OK;
}

unsigned cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, Stream* stream)
{
    CALL();
    return give(stream, [=] {
        if (!is_known(to, bytes) || !is_known((uint64_t)from, bytes)) {
            return ILLEGAL_ADDRESS;
        }
        std::memcpy((void*)to, from, bytes);
        return OK;
    });
}

unsigned cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, Stream* stream)
{
    return cuMemcpyHtoDAsync_v2((uint64_t)to, (const void*)from, bytes, stream);
}

unsigned cuStreamCreate(Stream** stream, unsigned)
{
    CALL();
    *stream = new Stream;
    return OK;
}

unsigned cuStreamDestroy_v2(Stream* stream)
{
    CALL();
    delete stream;
    return OK;
}

unsigned cuStreamSynchronize(Stream* stream)
{
    CALL();
    if (stream->is_capturing) {
        return stream->spoilt = CAPTURE_UNSUPPORTED;
    }
    return OK;
}

unsigned cuStreamBeginCapture_v2(Stream* stream, unsigned)
{
    CALL();
    stream->is_capturing = true;
    stream->spoilt = OK;
    stream->captured = {};
    return OK;
}

unsigned cuStreamEndCapture(Stream* stream, Graph** graph)
{
    CALL();
    stream->is_capturing = false;
    *graph = nullptr;
    if (stream->spoilt != OK) {
        return stream->spoilt;
    }
    *graph = new Graph(std::move(stream->captured));
    return OK;
}

unsigned cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long)
{
    CALL();
    *executable = new Graph(*graph);
    return OK;
}

unsigned cuGraphDestroy(Graph* graph)
{
    CALL();
    delete graph;
    return OK;
}

unsigned cuGraphExecDestroy(Graph* executable)
{
    CALL();
    delete executable;
    return OK;
}

unsigned cuGraphLaunch(Graph* executable, Stream*)
{
    CALL();
    ++launches;
    if (launches == number_of("launch-fails-at")) {
        return OUT_OF_RESOURCES;
    }
    if (launches == number_of("sticky-at")) {
        sticky = ILLEGAL_ADDRESS;
        return OK;
    }
    if (launches == number_of("stuck-at")) {
        is_stuck = true;
    }
    if (is_stuck) {
        return OK;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(number_of("late-ms")));
    for (const Work& work : executable->work) {
        if (Result result = work(); result != OK) {
            sticky = result;
            break;
        }
    }
    return OK;
}

unsigned cuEventCreate(Event** event, unsigned)
{
    CALL();
    *event = new Event;
    return OK;
}

unsigned cuEventDestroy_v2(Event* event)
{
    CALL();
    delete event;
    return OK;
}

unsigned cuEventRecordWithFlags(Event* event, Stream* stream, unsigned flags)
{
    CALL();
    // An event recorded into a capture without the flag is none that the host could wait for.
    if (stream->is_capturing && flags != 1) {
        return stream->spoilt = CAPTURE_UNSUPPORTED;
    }
    return give(stream, [=] {
        event->was_recorded = true;
        event->at = Clock::now();
        return OK;
    });
}

unsigned cuEventSynchronize(Event*)
{
    std::unique_lock<std::mutex> lock(mutex);
    never.wait(lock, [] { return !is_stuck; });
    return sticky;
}

unsigned cuEventElapsedTime(float* milliseconds, Event* from, Event* to)
{
    CALL();
    if (!from->was_recorded || !to->was_recorded) {
        return INVALID_HANDLE;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at).count();
    return OK;
}

unsigned cuModuleLoadData(Module** module, const void* image)
{
    CALL();
    std::string ptx = (const char*)image;
    if (ptx.find(".target sm_87") == std::string::npos) {
        return INVALID_PTX;
    }
    *module = new Module{ptx};
    return OK;
}

unsigned cuModuleUnload(Module* module)
{
    CALL();
    delete module;
    return OK;
}

unsigned cuModuleGetFunction(const Function** function, Module* module, const char* name)
{
    CALL();
    auto found = FUNCTIONS.find(name);
    if (found == FUNCTIONS.end() || module->ptx.find(std::string(".entry ") + name + "(") == std::string::npos) {
        return NOT_FOUND;
    }
    *function = &found->second;
    return OK;
}

unsigned cuLaunchKernel(const Function* function, unsigned grid_x, unsigned grid_y, unsigned, unsigned, unsigned, unsigned,
    unsigned, Stream* stream, void** arguments, void**)
{
    CALL();
    // A kernel's arguments are copied when it is launched or captured.
    std::vector<uint64_t> values;
    for (size_t at = 0; at < function->arguments; ++at) {
        values.push_back(*(const uint64_t*)arguments[at]);
    }
    return give(stream, [=]() mutable {
        std::vector<void*> pointers;
        for (uint64_t& value : values) {
            pointers.push_back(&value);
        }
        return function->run(pointers.data(), Dimensions{grid_x, grid_y});
    });
}

} // extern "C"

// A libnvidia-ml.so.1 without a GPU: what the accelerator asks NVIDIA's management library. It knows the GPU of the fake
// driver (cuda.cpp) and no other.
//
// BAIZE_FAKE_NVML holds words: `hot` (slowed down by heat), `capped` (by its power limit), `no-sensor`, `absent` (the library
// is there but does not start).

#include <cstdlib>
#include <cstring>
#include <string>

static bool is_told(const char* word)
{
    const char* text = std::getenv("BAIZE_FAKE_NVML");
    return text && std::string(text).find(word) != std::string::npos;
}

static int gpu;

enum Result { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, DRIVER_NOT_LOADED = 9 };

static bool is_started = false;

extern "C" {

int nvmlInit_v2()
{
    is_started = !is_told("absent");
    return is_started ? OK : DRIVER_NOT_LOADED;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** device)
{
    if (!is_started) {
        return UNINITIALIZED;
    }
    if (std::strcmp(bus_id, "0000:01:00.0") != 0) {
        return NOT_FOUND;
    }
    *device = &gpu;
    return OK;
}

int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* celsius)
{
    if (device != &gpu || sensor != 0) {
        return INVALID_ARGUMENT;
    }
    if (is_told("no-sensor")) {
        return NOT_SUPPORTED;
    }
    *celsius = is_told("hot") ? 91 : 47;
    return OK;
}

int nvmlDeviceGetCurrentClocksEventReasons(void* device, unsigned long long* reasons)
{
    if (device != &gpu) {
        return INVALID_ARGUMENT;
    }
    // Idle, which slows nobody down.
    *reasons = 1;
    *reasons |= is_told("hot") ? 0x20 : 0;
    *reasons |= is_told("capped") ? 4 : 0;
    return OK;
}

} // extern "C"

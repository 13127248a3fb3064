// Prints where the methods that Baize calls lie in TensorRT's tables of virtual functions, by the headers that this is
// compiled with: the lines of slots.txt, if these are what Baize takes them for. It compiles only where the methods take and
// give what Baize thinks they do. Nothing of TensorRT is called or linked.
//
//   g++ -std=c++17 -I/usr/local/cuda/include -o slots slots.cpp && ./slots | diff slots.txt -

#include <NvInferRuntime.h>
#include <cstdint>
#include <cstdio>
#include <cstring>

using namespace nvinfer1;

// The Itanium C++ ABI keeps a pointer to a virtual method as its offset in the table; aarch64 as it is, others plus one.
template <class Method> static long slot(Method method) {
    intptr_t words[2];
    static_assert(sizeof(method) == sizeof(words));
    std::memcpy(words, &method, sizeof(words));
#ifdef __aarch64__
    bool const is_virtual = words[1] & 1;
    intptr_t const offset = words[0];
#else
    bool const is_virtual = words[0] & 1;
    intptr_t const offset = words[0] - 1;
#endif
    return is_virtual ? long(offset / intptr_t(sizeof(void *))) : -1;
}

#define PRINT(interface, method, result, arguments) \
    std::printf("I%s::%s %ld\n", #interface, #method, \
                slot(static_cast<result (apiv::V##interface::*) arguments>(&apiv::V##interface::method)))

int main() {
    static_assert(sizeof(Dims) == 72, "a shape is a count and eight sizes of 64 bits");
    static_assert(sizeof(IRuntime) == 16, "an object is its table and its implementation");
    static_assert(int(ExecutionContextAllocationStrategy::kUSER_MANAGED) == 2);
    static_assert(sizeof(ExecutionContextAllocationStrategy) == 4 && sizeof(DataType) == 4 && sizeof(TensorIOMode) == 4);
    static_assert(int(TensorIOMode::kINPUT) == 1 && int(TensorIOMode::kOUTPUT) == 2);
    static_assert(int(TensorFormat::kLINEAR) == 0 && int(DataType::kFLOAT) == 0);
    static_assert(int(ILogger::Severity::kERROR) == 1 && int(ILogger::Severity::kWARNING) == 2);
    PRINT(Runtime, deserializeCudaEngine, ICudaEngine *, (void const *, size_t) noexcept);
    PRINT(CudaEngine, createExecutionContext, IExecutionContext *, (ExecutionContextAllocationStrategy) noexcept);
    PRINT(CudaEngine, getTensorShape, Dims, (char const *) const noexcept);
    PRINT(CudaEngine, getTensorDataType, DataType, (char const *) const noexcept);
    PRINT(CudaEngine, getTensorIOMode, TensorIOMode, (char const *) const noexcept);
    PRINT(CudaEngine, getTensorFormat, TensorFormat, (char const *) const noexcept);
    PRINT(CudaEngine, getNbIOTensors, int32_t, () const noexcept);
    PRINT(CudaEngine, getIOTensorName, char const *, (int32_t) const noexcept);
    PRINT(CudaEngine, getDeviceMemorySizeV2, int64_t, () const noexcept);
    PRINT(ExecutionContext, setTensorAddress, bool, (char const *, void *) noexcept);
    PRINT(ExecutionContext, inferShapes, int32_t, (int32_t, char const **) noexcept);
    PRINT(ExecutionContext, enqueueV3, bool, (cudaStream_t) noexcept);
    PRINT(ExecutionContext, setDeviceMemoryV2, void, (void *, int64_t) noexcept);
}

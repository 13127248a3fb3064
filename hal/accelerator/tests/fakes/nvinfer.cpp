// A libnvinfer.so.10 for tests: our own, with the objects and tables of functions that NVIDIA's has, and none of its work.
//
// A plan is text; each line says one thing of the engine, what goes wrong included:
//   baize-fake-plan                     the first line
//   input image f32 1x3x384x640         an input, in the engine's order; f32, f16, i8, ...
//   output balls f32 1x10x48x80         an output
//   format balls 4                      the output is packed in another way than plainly
//   compute spots                       what a run does: spots and mean-colours are the networks of fixtures/generate*.py;
//                                       affine: every element of every output is 2 x + 1, x from the first input, again and again
//   scratch 4096                        bytes of scratch memory that it needs, and writes to
//   count 99                            what is told as the number of inputs and outputs
//   missing-sizes 1                     what inferShapes returns
//   refuse-context                      no context is made
//   refuse-address balls                the address of this input or output is not taken
//   fail-at 7                           the 7th enqueueV3 of the context fails
//   chatter 3                           each enqueueV3 has another thread say so many warnings
//
// Where the process has loaded a libcuda.so.1, a run is put on the stream with cuLaunchHostFunc, so that a capture sees it;
// otherwise it is done at once. What lies in device memory proper is copied to and fro on the stream.
//
// Defined at compile time: FAKE_VERSION, what getInferLibVersion returns; FAKE_NO_RUNTIME, the pointer that TensorRT
// returned where it could not start.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#ifndef FAKE_VERSION
#define FAKE_VERSION 100300
#endif

extern "C" int32_t getInferLibVersion() noexcept { return FAKE_VERSION; }

// ---- The interfaces: two destructors in slots 0 and 1, the methods that Baize calls in theirs, traps in all others.

struct Dims {
    int32_t axes;
    int64_t sizes[8];
};

struct Logger {
    virtual void log(int32_t severity, char const *text) noexcept = 0;
    virtual ~Logger() = default;
};

[[noreturn]] static void fail(char const *what) {
    std::fprintf(stderr, "fake libnvinfer: %s\n", what);
    std::abort();
}

#define TRAP(n) virtual void slot_##n() { fail("slot " #n " was called, which Baize does not use"); }
#define TRAPS_0(d) TRAP(d##0) TRAP(d##1) TRAP(d##2) TRAP(d##3) TRAP(d##4)
#define TRAPS_5(d) TRAP(d##5) TRAP(d##6) TRAP(d##7) TRAP(d##8) TRAP(d##9)

struct Engine;
struct Context;
struct Runtime;

// What the caller holds: a table of its own, and the implementation.
template <class Implementation> struct Public {
    Implementation *implementation;
    explicit Public(Implementation *made) : implementation(made) {}
    virtual ~Public() { delete implementation; }
};

struct VRuntime {
    virtual ~VRuntime() = default; // 0, 1
    TRAP(2)
    virtual Public<Engine> *deserializeCudaEngine(void const *plan, size_t bytes) noexcept = 0; // 3
};

struct VEngine {
    virtual ~VEngine() = default; // 0, 1
    TRAP(2) TRAP(3) TRAP(4)
    virtual Public<Context> *createExecutionContext(int32_t strategy) noexcept = 0; // 5
    TRAP(6) TRAP(7) TRAP(8) TRAP(9) TRAPS_0(1) TRAP(15) TRAP(16) TRAP(17) TRAP(18)
    virtual Dims getTensorShape(char const *name) const noexcept = 0; // 19
    virtual int32_t getTensorDataType(char const *name) const noexcept = 0; // 20
    TRAP(21) TRAP(22)
    virtual int32_t getTensorIOMode(char const *name) const noexcept = 0; // 23
    TRAP(24) TRAP(25)
    virtual int32_t getTensorFormat(char const *name) const noexcept = 0; // 26
    TRAP(27) TRAP(28) TRAP(29)
    virtual int32_t getNbIOTensors() const noexcept = 0; // 30
    virtual char const *getIOTensorName(int32_t index) const noexcept = 0; // 31
    TRAP(32) TRAP(33) TRAP(34) TRAPS_5(3) TRAPS_0(4) TRAPS_5(4) TRAP(50) TRAP(51)
    virtual int64_t getDeviceMemorySizeV2() const noexcept = 0; // 52
};

struct VContext {
    virtual ~VContext() = default; // 0, 1
    TRAP(2) TRAP(3) TRAP(4) TRAPS_5() TRAPS_0(1) TRAPS_5(1) TRAP(20) TRAP(21) TRAP(22) TRAP(23)
    virtual bool setTensorAddress(char const *name, void *address) noexcept = 0; // 24
    TRAP(25) TRAP(26) TRAP(27)
    virtual int32_t inferShapes(int32_t names_max, char const **names) noexcept = 0; // 28
    TRAP(29) TRAPS_0(3) TRAP(35) TRAP(36)
    virtual bool enqueueV3(void *stream) noexcept = 0; // 37
    TRAP(38) TRAP(39) TRAPS_0(4) TRAP(45) TRAP(46) TRAP(47) TRAP(48)
    virtual void setDeviceMemoryV2(void *address, int64_t bytes) noexcept = 0; // 49
};

// ---- What a plan says.

struct Tensor {
    std::string name;
    int32_t direction, element, format = 0;
    Dims shape{};

    size_t count() const {
        size_t count = 1;
        for (int axis = 0; axis < shape.axes; ++axis) count *= size_t(shape.sizes[axis]);
        return count;
    }
    size_t bytes() const { return 4 * count(); }
};

struct Plan {
    std::vector<Tensor> tensors;
    std::string compute = "affine", refused_address;
    int64_t scratch = 0;
    int32_t count = -1, missing_sizes = 0, chatter = 0;
    long fail_at = 0;
    bool refuse_context = false;

    Tensor const *find(std::string const &name) const {
        for (auto const &tensor : tensors)
            if (tensor.name == name) return &tensor;
        return nullptr;
    }
};

static int32_t element(std::string const &name) {
    char const *names[] = {"f32", "f16", "i8", "i32", "bool", "u8", "f8", "bf16", "i64", "i4"};
    for (int32_t number = 0; number < 10; ++number)
        if (name == names[number]) return number;
    return 77;
}

static Dims shape(std::string const &text) {
    Dims dims{};
    if (text == "?") {
        dims.axes = -1;
        return dims;
    }
    std::istringstream sizes(text);
    for (std::string size; dims.axes < 8 && std::getline(sizes, size, 'x');)
        dims.sizes[dims.axes++] = size == "?" ? -1 : std::atoll(size.c_str());
    return dims;
}

// Null where the bytes are no plan.
static std::unique_ptr<Plan> parse(std::string const &text) {
    std::istringstream lines(text);
    std::string line;
    if (!std::getline(lines, line) || line != "baize-fake-plan") return nullptr;
    auto plan = std::make_unique<Plan>();
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string key, name, type, sizes;
        words >> key;
        if (key == "input" || key == "output") {
            words >> name >> type >> sizes;
            Tensor tensor;
            tensor.name = name;
            tensor.direction = key == "input" ? 1 : 2;
            tensor.element = element(type);
            tensor.shape = shape(sizes);
            plan->tensors.push_back(tensor);
        } else if (key == "format") {
            int32_t format;
            words >> name >> format;
            for (auto &tensor : plan->tensors)
                if (tensor.name == name) tensor.format = format;
        } else if (key == "compute") words >> plan->compute;
        else if (key == "scratch") words >> plan->scratch;
        else if (key == "count") words >> plan->count;
        else if (key == "missing-sizes") words >> plan->missing_sizes;
        else if (key == "refuse-context") plan->refuse_context = true;
        else if (key == "refuse-address") words >> plan->refused_address;
        else if (key == "fail-at") words >> plan->fail_at;
        else if (key == "chatter") words >> plan->chatter;
        else return nullptr;
    }
    return plan;
}

// ---- What a run computes.

using Buffers = std::vector<float *>;

static void affine(Plan const &plan, Buffers const &at) {
    size_t source = 0;
    while (source < plan.tensors.size() && plan.tensors[source].direction != 1) ++source;
    if (source == plan.tensors.size()) return;
    size_t const period = plan.tensors[source].count();
    for (size_t index = 0; index < plan.tensors.size(); ++index)
        if (plan.tensors[index].direction == 2)
            for (size_t i = 0; i < plan.tensors[index].count(); ++i)
                at[index][i] = 2 * at[source][i % period] + 1;
}

// The mean of one channel over a square cell.
static float mean(float const *channel, int width, int x0, int y0, int side) {
    float sum = 0;
    for (int y = y0; y < y0 + side; ++y)
        for (int x = x0; x < x0 + side; ++x) sum += channel[y * width + x];
    return sum / float(side * side);
}

// As fixtures/generate.py says: input, balls and cues in this order.
static void spots(Plan const &plan, Buffers const &at) {
    int const height = int(plan.tensors[0].shape.sizes[2]), width = int(plan.tensors[0].shape.sizes[3]);
    float const *red = at[0], *green = red + width * height, *blue = green + width * height;
    std::vector<float> light(size_t(width) * height), only_blue(light.size());
    for (size_t i = 0; i < light.size(); ++i) {
        light[i] = std::max(0.0f, std::max(red[i], std::max(green[i], blue[i])) - 0.6f);
        only_blue[i] = std::max(0.0f, blue[i] - red[i]);
    }
    int const columns = width / 8, rows = height / 8, cells = columns * rows;
    float const kinds[5][3] = {{8, 8, 8}, {-20, -20, -20}, {20, -20, -20}, {-20, 20, -20}, {-20, -20, 20}};
    for (int row = 0; row < rows; ++row)
        for (int column = 0; column < columns; ++column) {
            float *cell = at[1] + row * columns + column;
            float mass = 1e-6f, moment_x = 0, moment_y = 0;
            for (int v = 0; v < 24; ++v)
                for (int u = 0; u < 24; ++u) {
                    int const x = 8 * column - 8 + u, y = 8 * row - 8 + v;
                    if (x < 0 || y < 0 || x >= width || y >= height) continue;
                    float const weight = light[size_t(y) * width + x];
                    mass += weight;
                    moment_x += weight * (float(u) - 11.5f) / 8;
                    moment_y += weight * (float(v) - 11.5f) / 8;
                }
            cell[0] = mean(light.data(), width, 8 * column, 8 * row, 8) * 16 / 0.4f - 6;
            for (int kind = 0; kind < 5; ++kind)
                cell[(1 + kind) * cells] = kinds[kind][0] * mean(red, width, 8 * column, 8 * row, 8) +
                                           kinds[kind][1] * mean(green, width, 8 * column, 8 * row, 8) +
                                           kinds[kind][2] * mean(blue, width, 8 * column, 8 * row, 8);
            cell[6 * cells] = moment_x / mass;
            cell[7 * cells] = moment_y / mass;
            cell[8 * cells] = 0.405465108f; // ln(12 / 8)
            cell[9 * cells] = 0.693147181f; // ln(16 / 8)
        }
    int const cue_columns = width / 16, cue_rows = height / 16, cue_cells = cue_columns * cue_rows;
    float const axis[10] = {0, 0, -1, 0, -9, 0, 0, -9, 0, 0};
    for (int row = 0; row < cue_rows; ++row)
        for (int column = 0; column < cue_columns; ++column) {
            float *cell = at[2] + row * cue_columns + column;
            cell[0] = mean(only_blue.data(), width, 16 * column, 16 * row, 16) * 16 - 4;
            for (int channel = 0; channel < 10; ++channel) cell[(1 + channel) * cue_cells] = axis[channel];
        }
}

// As fixtures/generate_reader.py says: crops and faces in this order.
static void mean_colours(Plan const &plan, Buffers const &at) {
    int const count = int(plan.tensors[0].shape.sizes[0]), side = int(plan.tensors[0].shape.sizes[3]);
    float weights[24][3] = {};
    for (int face : {0, 16})
        for (float &weight : weights[face]) weight = 8;
    for (int face : {3, 18}) weights[face][0] = 30, weights[face][1] = weights[face][2] = -30;
    weights[10][0] = weights[10][1] = -30, weights[10][2] = 30;
    for (int crop = 0; crop < count; ++crop) {
        float means[3];
        for (int channel = 0; channel < 3; ++channel)
            means[channel] = mean(at[0] + (crop * 3 + channel) * side * side, side, 0, 0, side);
        for (int face = 0; face < 24; ++face) {
            float sum = 0;
            for (int channel = 0; channel < 3; ++channel) sum += weights[face][channel] * means[channel];
            at[1][crop * 24 + face] = sum;
        }
    }
}

// ---- CUDA, as far as a run needs it; null where the process has not loaded it.

struct Cuda {
    using HostFunction = void (*)(void *);
    int (*launch)(void *stream, HostFunction function, void *data) = nullptr;
    int (*allocate)(void **memory, size_t bytes) = nullptr;
    int (*release)(void *memory) = nullptr;
    int (*copy)(uint64_t to, uint64_t from, size_t bytes, void *stream) = nullptr;
    int (*attribute)(void *value, int attribute, uint64_t address) = nullptr;

    Cuda() {
        void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
        if (!library) return;
        auto find = [library](auto &function, char const *name) {
            function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
        };
        find(launch, "cuLaunchHostFunc");
        find(allocate, "cuMemAllocHost_v2");
        find(release, "cuMemFreeHost");
        find(copy, "cuMemcpyAsync");
        find(attribute, "cuPointerGetAttribute");
        dlclose(library);
        if (!launch) fail("the libcuda.so.1 of this process has no cuLaunchHostFunc");
    }

    // Whether the host cannot reach what lies there.
    bool is_device_memory(void *address) const {
        unsigned type = 0;
        return attribute && allocate && release && copy && attribute(&type, 2, uint64_t(address)) == 0 && type == 2;
    }
};

// ---- The implementations. Each destroyed before what it came from, or the process ends.

struct Runtime final : VRuntime {
    Logger *logger;
    int engines = 0;
    explicit Runtime(Logger *given) : logger(given) {}
    ~Runtime() override {
        if (engines) fail("a runtime was destroyed before its engine");
    }
    Public<Engine> *deserializeCudaEngine(void const *plan, size_t bytes) noexcept override;
};

struct Engine final : VEngine {
    Runtime &runtime;
    std::unique_ptr<Plan> plan;
    int contexts = 0;

    Engine(Runtime &from, std::unique_ptr<Plan> read) : runtime(from), plan(std::move(read)) { ++runtime.engines; }
    ~Engine() override {
        if (contexts) fail("an engine was destroyed before its context");
        --runtime.engines;
    }
    Public<Context> *createExecutionContext(int32_t strategy) noexcept override;
    Dims getTensorShape(char const *name) const noexcept override { return known(name).shape; }
    int32_t getTensorDataType(char const *name) const noexcept override { return known(name).element; }
    int32_t getTensorIOMode(char const *name) const noexcept override { return known(name).direction; }
    int32_t getTensorFormat(char const *name) const noexcept override { return known(name).format; }
    int32_t getNbIOTensors() const noexcept override {
        return plan->count == -1 ? int32_t(plan->tensors.size()) : plan->count;
    }
    char const *getIOTensorName(int32_t index) const noexcept override {
        return size_t(index) < plan->tensors.size() ? plan->tensors[size_t(index)].name.c_str() : nullptr;
    }
    int64_t getDeviceMemorySizeV2() const noexcept override { return plan->scratch; }

    Tensor const &known(char const *name) const {
        Tensor const *tensor = plan->find(name);
        if (!tensor) fail("an input or output was asked for that the engine does not have");
        return *tensor;
    }
};

// One run: where everything lies at the time of its enqueueV3. A captured graph may repeat it as long as the context lives.
struct Run {
    Plan const *plan;
    Buffers at;
    void *scratch;

    void compute() const {
        if (scratch) std::memset(scratch, 0xA5, size_t(plan->scratch));
        if (plan->compute == "spots") spots(*plan, at);
        else if (plan->compute == "mean-colours") mean_colours(*plan, at);
        else affine(*plan, at);
    }
    bool operator==(Run const &other) const { return at == other.at && scratch == other.scratch; }
};

struct Context final : VContext {
    Engine &engine;
    Plan const &plan;
    Cuda const cuda;
    std::vector<void *> bound;
    std::vector<float *> staged; // Host memory for those in device memory.
    void *scratch = nullptr;
    int64_t scratch_bytes = 0;
    long enqueued = 0;
    std::vector<std::unique_ptr<Run>> runs;

    explicit Context(Engine &from)
        : engine(from), plan(*from.plan), bound(plan.tensors.size()), staged(plan.tensors.size()) {
        ++engine.contexts;
    }
    ~Context() override {
        for (float *memory : staged)
            if (memory) cuda.release(memory);
        --engine.contexts;
    }

    bool setTensorAddress(char const *name, void *address) noexcept override {
        for (size_t index = 0; index < bound.size(); ++index)
            if (plan.tensors[index].name == name) {
                if (plan.refused_address == name) {
                    engine.runtime.logger->log(1, "the address is not to my liking");
                    return false;
                }
                bound[index] = address;
                // Here and not in enqueueV3: while a stream is captured no memory may be taken.
                void *memory;
                if (!staged[index] && cuda.is_device_memory(address)) {
                    if (cuda.allocate(&memory, plan.tensors[index].bytes())) return false;
                    staged[index] = static_cast<float *>(memory);
                }
                return true;
            }
        fail("an address was given for an input or output that the engine does not have");
    }

    int32_t inferShapes(int32_t names_max, char const **names) noexcept override {
        if (names_max < 0 || (names_max && !names)) return -1;
        return plan.missing_sizes;
    }

    void setDeviceMemoryV2(void *address, int64_t bytes) noexcept override {
        scratch = address;
        scratch_bytes = bytes;
    }

    bool enqueueV3(void *stream) noexcept override {
        for (void *address : bound)
            if (!address) fail("enqueueV3 before every address was given");
        if (scratch_bytes < plan.scratch) fail("enqueueV3 without enough scratch memory");
        Logger *logger = engine.runtime.logger;
        if (plan.chatter)
            std::thread([this, logger] {
                for (int32_t line = 0; line < plan.chatter; ++line) logger->log(2, "said by another thread");
            }).join();
        if (++enqueued == plan.fail_at) {
            logger->log(1, "enqueueV3 was told to fail");
            return false;
        }
        Run run{&plan, {}, scratch};
        for (size_t index = 0; index < bound.size(); ++index)
            run.at.push_back(cuda.is_device_memory(bound[index]) ? staged[index] : static_cast<float *>(bound[index]));
        if (cuda.is_device_memory(scratch)) run.scratch = nullptr;
        if (!cuda.launch) {
            run.compute();
            return true;
        }
        Run *kept = keep(run);
        return copy(stream, *kept, 1) && cuda.launch(stream, [](void *data) { static_cast<Run *>(data)->compute(); }, kept) == 0 &&
               copy(stream, *kept, 2);
    }

    Run *keep(Run const &run) {
        for (auto &kept : runs)
            if (*kept == run) return kept.get();
        runs.push_back(std::make_unique<Run>(run));
        return runs.back().get();
    }

    // Puts the copies between device memory and host memory on the stream: of inputs (1) or of outputs (2).
    bool copy(void *stream, Run const &run, int32_t direction) const {
        for (size_t index = 0; index < bound.size(); ++index) {
            auto const device = uint64_t(bound[index]), host = uint64_t(run.at[index]);
            if (device == host || plan.tensors[index].direction != direction) continue;
            size_t const bytes = plan.tensors[index].bytes();
            if (direction == 1 ? cuda.copy(host, device, bytes, stream) : cuda.copy(device, host, bytes, stream)) return false;
        }
        return true;
    }
};

Public<Engine> *Runtime::deserializeCudaEngine(void const *bytes, size_t size) noexcept {
    auto plan = parse(std::string(static_cast<char const *>(bytes), size));
    if (!plan) {
        logger->log(3, "that is only information");
        logger->log(1, "the plan is damaged\n");
        return nullptr;
    }
    return new Public<Engine>(new Engine(*this, std::move(plan)));
}

Public<Context> *Engine::createExecutionContext(int32_t strategy) noexcept {
    if (strategy != 2) fail("the scratch memory was to be the caller's");
    if (plan->refuse_context) {
        runtime.logger->log(1, "no memory for a context");
        return nullptr;
    }
    return new Public<Context>(new Context(*this));
}

extern "C" void *createInferRuntime_INTERNAL(void *logger, int32_t version) noexcept {
#ifdef FAKE_NO_RUNTIME
    static_cast<Logger *>(logger)->log(0, "CUDA initialization failure with error: 35");
    return reinterpret_cast<void *>(FAKE_NO_RUNTIME);
#endif
    if (version != FAKE_VERSION) fail("the caller is of another version");
    return new Public<Runtime>(new Runtime(static_cast<Logger *>(logger)));
}

/* A driver without a device: memory is the host's, launches are written to a log. For tests of what the Java side
   passes to the CUDA driver API; signatures follow cuda.h. Compiled with LARGE, for whole programs: it has memory for
   all they ask for and makes no large copies, and does not know what parameters a kernel has. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int result;

static char text[1 << 20];
static char failing[64];
static int failure;
static int capturing;
static char function_handles[4096][64];
static int functions;

/* What was called so far, a line a call. */
const char *fake_log(void) { return text; }
void fake_clear(void) { text[0] = 0; }

/* Makes every call of a function return a result. */
void fake_fail(const char *function, int code) {
    snprintf(failing, sizeof failing, "%s", function);
    failure = code;
}

static result call(const char *function, const char *format, ...) {
    size_t length = strlen(text);
    /* A log that nobody reads is full one day; the calls go on. */
    if (length + 1024 > sizeof text) return strcmp(failing, function) == 0 ? failure : 0;
    length += snprintf(text + length, sizeof text - length, "%s", function);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(text + length, sizeof text - length, format, arguments);
    va_end(arguments);
    snprintf(text + length, sizeof text - length, "\n");
    return strcmp(failing, function) == 0 ? failure : 0;
}

result cuInit(unsigned flags) {
    const char *code = getenv("FAKE_INIT");
    return code ? atoi(code) : call("cuInit", " %u", flags);
}
result cuDriverGetVersion(int *version) { *version = 12060; return 0; }
result cuDeviceGetCount(int *count) { *count = 2; return 0; }
result cuDeviceGet(int *device, int ordinal) { *device = ordinal; return call("cuDeviceGet", " %d", ordinal); }
result cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Fake %d", device); return 0; }
result cuDeviceGetPCIBusId(char *id, int length, int device) {
    snprintf(id, length, "0000:0%d:00.0", device);
    return 0;
}
result cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void) device;
    switch (attribute) {
        case 12: *value = 65536; return 0;
        case 16: *value = 132; return 0;
        case 38: *value = 50 << 20; return 0;
        case 75: *value = getenv("FAKE_MAJOR") ? atoi(getenv("FAKE_MAJOR")) : 9; return 0;
        case 76: *value = 0; return 0;
        case 97: *value = 232448; return 0;
        default: return 1;
    }
}
result cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = (void *) (uintptr_t) (0xC0 + device);
    return call("cuDevicePrimaryCtxRetain", " %d", device);
}
result cuDevicePrimaryCtxRelease_v2(int device) { return call("cuDevicePrimaryCtxRelease", " %d", device); }
static __thread uintptr_t current;
result cuCtxSetCurrent(void *context) {
    current = (uintptr_t) context;
    return current >= 0xC0 ? 0 : 201;
}
/* The thread's current device, -1 for none. */
int fake_current(void) { return current ? (int) (current - 0xC0) : -1; }
result cuCtxSynchronize(void) { return call("cuCtxSynchronize", ""); }
result cuMemGetInfo_v2(size_t *free, size_t *total) {
#ifdef LARGE
    *free = 60ul << 30, *total = 80ul << 30;
#else
    *free = 60, *total = 80;
#endif
    return 0;
}

result cuStreamCreate(void **stream, unsigned flags) {
    *stream = (void *) 0x57;
    return call("cuStreamCreate", " %u", flags);
}
result cuStreamDestroy_v2(void *stream) { return call("cuStreamDestroy", " %p", stream); }
result cuStreamSynchronize(void *stream) { return call("cuStreamSynchronize", " %p", stream); }
result cuStreamQuery(void *stream) { return call("cuStreamQuery", " %p", stream); }
result cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
    return call("cuStreamWaitEvent", " %p %p %u", stream, event, flags);
}
result cuStreamIsCapturing(void *stream, int *status) { (void) stream; *status = capturing; return 0; }
result cuStreamBeginCapture_v2(void *stream, int mode) {
    capturing = 1;
    return call("cuStreamBeginCapture", " %p %d", stream, mode);
}
result cuStreamEndCapture(void *stream, void **graph) {
    capturing = 0;
    *graph = (void *) 0x64;
    return call("cuStreamEndCapture", " %p", stream);
}
result cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) {
    *executable = (void *) 0x65;
    return call("cuGraphInstantiate", " %p %llu", graph, flags);
}
result cuGraphDestroy(void *graph) { return call("cuGraphDestroy", " %p", graph); }
result cuGraphExecDestroy(void *executable) { return call("cuGraphExecDestroy", " %p", executable); }
result cuGraphLaunch(void *executable, void *stream) { return call("cuGraphLaunch", " %p %p", executable, stream); }

result cuEventCreate(void **event, unsigned flags) {
    *event = (void *) 0xE7;
    return call("cuEventCreate", " %u", flags);
}
result cuEventDestroy_v2(void *event) { return call("cuEventDestroy", " %p", event); }
result cuEventRecord(void *event, void *stream) { return call("cuEventRecord", " %p %p", event, stream); }
result cuEventQuery(void *event) { return call("cuEventQuery", " %p", event); }
result cuEventSynchronize(void *event) { return call("cuEventSynchronize", " %p", event); }
result cuEventElapsedTime(float *millis, void *start, void *end) {
    *millis = 1.5f;
    return call("cuEventElapsedTime", " %p %p", start, end);
}

result cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    *address = (uint64_t) aligned_alloc(256, (bytes + 255) / 256 * 256);
    return call("cuMemAlloc", " %zu", bytes);
}
result cuMemFree_v2(uint64_t address) { free((void *) address); return call("cuMemFree", ""); }
result cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
    *address = malloc(bytes);
    return call("cuMemHostAlloc", " %zu %u", bytes, flags);
}
result cuMemFreeHost(void *address) { free(address); return call("cuMemFreeHost", ""); }
result cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, void *stream) {
#ifdef LARGE
    if (bytes <= 16 << 20)
#endif
    memcpy((void *) to, (void *) from, bytes);
    return call("cuMemcpyAsync", " %zu %p", bytes, stream);
}
result cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
    memcpy(to, (void *) from, bytes);
    return call("cuMemcpyDtoHAsync", " %zu %p", bytes, stream);
}
result cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream) {
    memset((void *) to, value, bytes);
    return call("cuMemsetD8Async", " %u %zu %p", value, bytes, stream);
}

result cuModuleLoadData(void **module, const void *image) {
    *module = (void *) 0x30;
    return call("cuModuleLoadData", " %.8s", (const char *) image);
}
result cuModuleUnload(void *module) { return call("cuModuleUnload", " %p", module); }
result cuModuleGetFunction(void **function, void *module, const char *name) {
    char *handle = function_handles[functions++ % 4096];
    snprintf(handle, 64, "%s", name);
    *function = handle;
    return call("cuModuleGetFunction", " %p %s", module, name);
}
result cuFuncGetAttribute(int *value, int attribute, void *function) {
    (void) function;
    switch (attribute) {
        case 0: *value = 512; return 0;
        case 1: *value = 1000; return 0;
        case 3: *value = 16; return 0;
        case 4: *value = 64; return 0;
        case 8: *value = 48152; return 0;
        default: return 1;
    }
}
result cuFuncSetAttribute(void *function, int attribute, int value) {
    return call("cuFuncSetAttribute", " %s %d %d", (char *) function, attribute, value);
}

/* Kernels named all_kinds have a parameter of each kind, others none. */
static const size_t kinds[] = {8, 4, 8, 4, 8, 128, 8};

#ifndef LARGE
result cuFuncGetParamInfo(void *function, size_t index, size_t *offset, size_t *size) {
    if (strcmp(function, "all_kinds") != 0 || index >= sizeof kinds / sizeof *kinds) return 1;
    *offset = 0;
    *size = kinds[index];
    return 0;
}
#endif

static void values(void *function, void **parameters, char *out, size_t room) {
    out[0] = 0;
    if (strcmp(function, "all_kinds") != 0) return;
    snprintf(out, room, " %p %d %lld %g %g %s %p", *(void **) parameters[0], *(int *) parameters[1],
             *(long long *) parameters[2], *(float *) parameters[3], *(double *) parameters[4],
             (uintptr_t) parameters[5] % 64 ? "misaligned" : (char *) parameters[5], *(void **) parameters[6]);
}

result cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                      unsigned shared, void *stream, void **parameters, void **extra) {
    char arguments[512];
    values(function, parameters, arguments, sizeof arguments);
    return call("cuLaunchKernel", " %s grid %u %u %u block %u %u %u shared %u stream %p extra %p arguments%s",
                (char *) function, gx, gy, gz, bx, by, bz, shared, stream, (void *) extra, arguments);
}

typedef struct {
    int id;
    char pad[4];
    union { char pad[64]; unsigned cluster[3]; } value;
} attribute;

typedef struct {
    unsigned grid[3], block[3], shared;
    void *stream;
    attribute *attributes;
    unsigned count;
} config;

_Static_assert(sizeof(config) == 56 && sizeof(attribute) == 72, "as in cuda.h");

result cuLaunchKernelEx(const config *c, void *function, void **parameters, void **extra) {
    char arguments[512];
    values(function, parameters, arguments, sizeof arguments);
    const attribute *a = c->attributes;
    return call("cuLaunchKernelEx", " %s grid %u %u %u block %u %u %u shared %u stream %p attributes %u: %d = %u %u %u "
                "extra %p arguments%s", (char *) function, c->grid[0], c->grid[1], c->grid[2], c->block[0], c->block[1],
                c->block[2], c->shared, c->stream, c->count, a->id, a->value.cluster[0], a->value.cluster[1],
                a->value.cluster[2], (void *) extra, arguments);
}

result cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *address, const uint64_t *sizes,
                              const uint64_t *strides, const uint32_t *box, const uint32_t *steps, int interleave,
                              int swizzle, int promotion, int fill) {
    snprintf(map, 128, "encoded");
    return call("cuTensorMapEncodeTiled", " %d type %d rank %u address %p sizes %llu %llu strides %llu box %u %u steps "
                "%u %u interleave %d swizzle %d promotion %d fill %d", (int) ((uintptr_t) map % 64), type, rank,
                address, (unsigned long long) sizes[0], (unsigned long long) sizes[1],
                (unsigned long long) strides[0], box[0], box[1], steps[0], steps[1], interleave, swizzle, promotion,
                fill);
}

/* NVML, for a device 0000:01:00.0 that does not tell its memory's clock. */
result nvmlInit_v2(void) { return 0; }
result nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **device) {
    *device = (void *) 0x11;
    return strcmp(id, "0000:01:00.0") == 0 ? 0 : 6;
}
result nvmlDeviceGetClockInfo(void *device, int type, unsigned *megahertz) {
    *megahertz = 1755;
    return device == (void *) 0x11 && type == 1 ? 0 : 3;
}
result nvmlDeviceGetMaxClockInfo(void *device, int type, unsigned *megahertz) {
    *megahertz = 1980;
    return device == (void *) 0x11 && type == 1 ? 0 : 3;
}
result nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) { (void) device; *milliwatts = 412500; return 0; }
result nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    (void) device;
    *celsius = 61 + sensor;
    return 0;
}
result nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons) {
    (void) device;
    *reasons = 1ull << 40 | 4;
    return 0;
}

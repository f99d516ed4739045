/* A CUDA driver whose devices are this process: memory is the host's, at addresses where the host itself can neither
   read nor write, and a stream is a thread that does its work in order. Signatures follow cuda.h. For tests of what
   waits for what; libnccl.so.2's fake enqueues here too. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace {

/* FAKE_DEVICES says how many there are, else 8. */
const int devices = getenv("FAKE_DEVICES") ? atoi(getenv("FAKE_DEVICES")) : 8;
constexpr uintptr_t context_base = 0xC0;
constexpr int invalid_value = 1;
constexpr int out_of_memory = 2;
constexpr int not_ready = 600;

thread_local int current = -1;

class Stream {
public:
    Stream() : thread([this] { run(); }) {}

    void add(std::function<void()> task) {
        std::lock_guard<std::mutex> guard(mutex);
        tasks.push_back(std::move(task));
        news.notify_all();
    }

    bool idle() {
        std::lock_guard<std::mutex> guard(mutex);
        return tasks.empty() && !busy;
    }

    void synchronize() {
        std::unique_lock<std::mutex> guard(mutex);
        news.wait(guard, [this] { return tasks.empty() && !busy; });
    }

    /* Goes no further until it is released. */
    void hold() {
        std::lock_guard<std::mutex> guard(mutex);
        tasks.push_back([this, number = ++holds] {
            std::unique_lock<std::mutex> guard(mutex);
            news.wait(guard, [&] { return releases >= number; });
        });
        news.notify_all();
    }

    void release() {
        std::lock_guard<std::mutex> guard(mutex);
        releases++;
        news.notify_all();
    }

    /* As the driver does: what is enqueued is still done. */
    void destroy() {
        add([this] { last = true; });
        thread.detach();
    }

private:
    void run() {
        while (!last) {
            std::function<void()> task;
            {
                std::unique_lock<std::mutex> guard(mutex);
                news.wait(guard, [this] { return !tasks.empty(); });
                task = std::move(tasks.front());
                tasks.pop_front();
                busy = true;
            }
            task();
            std::lock_guard<std::mutex> guard(mutex);
            busy = false;
            news.notify_all();
        }
    }

    std::mutex mutex;
    std::condition_variable news;
    std::deque<std::function<void()>> tasks;
    long holds = 0;
    long releases = 0;
    bool busy = false;
    bool last = false;
    std::thread thread;
};

struct Event {
    std::mutex mutex;
    std::condition_variable news;
    long recorded = 0;
    long reached = 0;
    std::chrono::steady_clock::time_point at;

    void reach(long number) {
        std::lock_guard<std::mutex> guard(mutex);
        reached = std::max(reached, number);
        at = std::chrono::steady_clock::now();
        news.notify_all();
    }

    void wait(long number) {
        std::unique_lock<std::mutex> guard(mutex);
        news.wait(guard, [&] { return reached >= number; });
    }
};

std::mutex streams_mutex;
/* All there have been, by device: none is ever freed. */
std::multimap<int, Stream *> streams;

Stream *new_stream() {
    std::lock_guard<std::mutex> guard(streams_mutex);
    return streams.emplace(current, new Stream)->second;
}

Stream *stream_of(void *handle) {
    if (handle != nullptr) return static_cast<Stream *>(handle);
    static std::mutex mutex;
    static std::map<int, Stream *> defaults;
    std::lock_guard<std::mutex> guard(mutex);
    Stream *&found = defaults[current];
    if (!found) found = new_stream();
    return found;
}

void synchronize_device() {
    std::vector<Stream *> all;
    {
        std::lock_guard<std::mutex> guard(streams_mutex);
        auto range = streams.equal_range(current);
        for (auto each = range.first; each != range.second; ++each) all.push_back(each->second);
    }
    for (Stream *each : all) each->synchronize();
}

/* Memory by its address, and where it ends. */
class Ranges {
public:
    void add(uint64_t address, size_t bytes) {
        std::lock_guard<std::mutex> guard(mutex);
        ends[address] = address + bytes;
    }

    /* Its size. */
    size_t remove(uint64_t address) {
        std::lock_guard<std::mutex> guard(mutex);
        size_t bytes = ends.at(address) - address;
        ends.erase(address);
        return bytes;
    }

    bool hold(uint64_t address, size_t bytes) {
        std::lock_guard<std::mutex> guard(mutex);
        auto behind = ends.upper_bound(address);
        return behind != ends.begin() && address + bytes <= std::prev(behind)->second;
    }

private:
    std::mutex mutex;
    std::map<uint64_t, uint64_t> ends;
};

/* One file of which the devices have one view and the host another, where each access is its death. */
class DeviceMemory {
public:
    DeviceMemory() {
        int file = memfd_create("device", 0);
        if (file < 0 || ftruncate(file, size) != 0) abort();
        hosts = view(PROT_NONE, file);
        devices = view(PROT_READ | PROT_WRITE, file);
    }

    uint64_t allocate(size_t bytes) {
        uint64_t address = next.fetch_add((bytes + page) / page * page);
        if (address + bytes > size) return 0;
        live.add(hosts + address, bytes);
        return hosts + address;
    }

    void free(uint64_t address) {
        size_t bytes = live.remove(address);
        madvise(real(address), bytes, MADV_REMOVE);
    }

    bool has(uint64_t address) { return address >= hosts && address < hosts + size; }
    bool hold(uint64_t address, size_t bytes) { return live.hold(address, bytes); }
    void *real(uint64_t address) {
        return reinterpret_cast<void *>(has(address) ? address - hosts + devices : address);
    }

private:
    static constexpr size_t size = 1ull << 36;
    static constexpr size_t page = 4096;

    static uint64_t view(int protection, int file) {
        void *memory = mmap(nullptr, size, protection, MAP_SHARED, file, 0);
        if (memory == MAP_FAILED) abort();
        return reinterpret_cast<uint64_t>(memory);
    }

    uint64_t hosts;
    uint64_t devices;
    std::atomic<uint64_t> next{0};
    Ranges live;
};

DeviceMemory memory;
Ranges pinned;
std::atomic<int> pinned_copy_millis{0};

}  // namespace

extern "C" {

/* For the other library. */
void *fake_real(const void *address) { return memory.real(reinterpret_cast<uint64_t>(address)); }
int fake_current_device() { return current; }
void fake_enqueue(void *stream, std::function<void()> *task) {
    stream_of(stream)->add([task] {
        (*task)();
        delete task;
    });
}

/* Keeps a stream busy. */
void fake_delay(void *stream, int millis) {
    stream_of(stream)->add([millis] { std::this_thread::sleep_for(std::chrono::milliseconds(millis)); });
}

/* Keeps a stream from going on, and lets it. */
void fake_hold(void *stream) { stream_of(stream)->hold(); }
void fake_release(void *stream) { stream_of(stream)->release(); }

/* How long each copy from and to pinned memory takes: what does not wait for it sees what was there before. */
void fake_pinned_copies(int millis) { pinned_copy_millis = millis; }

int cuInit(unsigned) { return 0; }
int cuDriverGetVersion(int *version) { *version = 12060; return 0; }
int cuDeviceGetCount(int *count) { *count = devices; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Fake %d", device); return 0; }
int cuDeviceGetPCIBusId(char *id, int length, int device) {
    snprintf(id, length, "0000:0%d:00.0", device);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 1024;
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = reinterpret_cast<void *>(context_base + device);
    return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxSetCurrent(void *context) {
    current = static_cast<int>(reinterpret_cast<uintptr_t>(context) - context_base);
    return current >= 0 && current < devices ? 0 : 201;
}

int cuStreamCreate(void **stream, unsigned) { *stream = new_stream(); return 0; }
int cuStreamDestroy_v2(void *stream) { static_cast<Stream *>(stream)->destroy(); return 0; }
int cuStreamSynchronize(void *stream) { stream_of(stream)->synchronize(); return 0; }
int cuStreamQuery(void *stream) { return stream_of(stream)->idle() ? 0 : not_ready; }
int cuStreamWaitEvent(void *stream, void *event, unsigned) {
    Event *awaited = static_cast<Event *>(event);
    std::lock_guard<std::mutex> guard(awaited->mutex);
    stream_of(stream)->add([awaited, number = awaited->recorded] { awaited->wait(number); });
    return 0;
}

int cuEventCreate(void **event, unsigned) { *event = new Event; return 0; }
/* Streams may still have to do with it. */
int cuEventDestroy_v2(void *) { return 0; }
int cuEventRecord(void *event, void *stream) {
    Event *recorded = static_cast<Event *>(event);
    std::lock_guard<std::mutex> guard(recorded->mutex);
    stream_of(stream)->add([recorded, number = ++recorded->recorded] { recorded->reach(number); });
    return 0;
}
int cuEventQuery(void *event) {
    Event *asked = static_cast<Event *>(event);
    std::lock_guard<std::mutex> guard(asked->mutex);
    return asked->reached >= asked->recorded ? 0 : not_ready;
}
int cuEventSynchronize(void *event) {
    Event *awaited = static_cast<Event *>(event);
    awaited->wait(awaited->recorded);
    return 0;
}
int cuEventElapsedTime(float *millis, void *from, void *to) {
    *millis = std::chrono::duration<float, std::milli>(static_cast<Event *>(to)->at - static_cast<Event *>(from)->at)
                      .count();
    return 0;
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    *address = memory.allocate(bytes);
    if (!*address) return out_of_memory;
    memset(memory.real(*address), 0xCD, bytes);
    return 0;
}
/* As the driver does: kernels that may use the memory end first. */
int cuMemFree_v2(uint64_t address) {
    synchronize_device();
    memory.free(address);
    return 0;
}
int cuMemHostAlloc(void **address, size_t bytes, unsigned) {
    *address = aligned_alloc(256, (bytes + 255) / 256 * 256);
    memset(*address, 0xCD, bytes);
    pinned.add(reinterpret_cast<uint64_t>(*address), bytes);
    return 0;
}
int cuMemFreeHost(void *address) {
    synchronize_device();
    pinned.remove(reinterpret_cast<uint64_t>(address));
    free(address);
    return 0;
}
/* Of the host's pageable memory: done when this returns. */
int cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, void *stream) {
    bool within = memory.has(to) && memory.has(from);
    bool slow = pinned.hold(to, bytes) || pinned.hold(from, bytes);
    for (uint64_t each : {to, from}) if (memory.has(each) && !memory.hold(each, bytes)) return invalid_value;
    Stream *queue = stream_of(stream);
    queue->add([=] {
        if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(pinned_copy_millis));
        memcpy(memory.real(to), memory.real(from), bytes);
    });
    if (!within && !slow) queue->synchronize();
    return 0;
}
int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream) {
    if (!memory.hold(to, bytes)) return invalid_value;
    stream_of(stream)->add([=] { memset(memory.real(to), value, bytes); });
    return 0;
}

}

/* NCCL among threads of one process, on the streams of fake_cuda.cpp. Signatures, numbers and ncclConfig_t follow
   nccl.h. As the real one it returns ncclInProgress from calls of communicators that do not block, refuses calls while
   one is in progress, rounds half types after each addition, passes NaN by in max and min, and stands still where ranks
   have made different calls. */
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

extern "C" int fake_current_device();
extern "C" void *fake_real(const void *address);
extern "C" void fake_enqueue(void *stream, std::function<void()> *task);

namespace {

enum { success = 0, cuda_error = 1, invalid_argument = 4, invalid_usage = 5, in_progress = 7 };
enum Kind { all_reduce, reduce_scatter, all_gather, broadcast, message, split };

struct Comm;

/* What a rank has come with. */
struct Call {
    Kind kind;
    const void *in;
    void *out;
    size_t count;
    int type, reduction, root;
    Comm **child;
};

/* A call all ranks make. */
struct Meeting {
    std::map<int, Call> calls;
    bool done = false;
};

/* Ranks of one communicator. */
struct Clique {
    int size;
    std::map<int, int> devices;
    std::map<long, Meeting> meetings;
};

/* Never destroyed: a process can end while threads wait here. */
std::mutex &mutex = *new std::mutex;
std::condition_variable &news = *new std::condition_variable;
std::map<std::string, std::shared_ptr<Clique>> cliques;
long ids;
std::string last_error;
int init_code;

struct Comm {
    std::shared_ptr<Clique> clique;
    int rank;
    int state = in_progress;
    bool aborted = false;
    long calls = 0;
    int jobs = 0;
};

std::vector<Comm *> all;

int type_bytes(int type) {
    static const int bytes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
    return bytes[type];
}

float from_bf16(uint16_t bits) {
    uint32_t wide = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}

uint16_t to_bf16(float value) {
    if (std::isnan(value)) return 0x7fff;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

template <class T> T reduce(T a, T b, int reduction) {
    return reduction == 0 ? a + b : reduction == 2 ? std::max(a, b) : std::min(a, b);
}

float reduce(float a, float b, int reduction) {
    return reduction == 0 ? a + b : reduction == 2 ? fmaxf(a, b) : fminf(a, b);
}

/* To the first values, from others; rounded each time. */
void accumulate(char *sums, const char *values, size_t count, int type, int reduction) {
    for (size_t i = 0; i < count; i++) {
        switch (type) {
            case 4: {
                auto *s = (int64_t *) sums;
                uint64_t sum = (uint64_t) s[i] + ((uint64_t *) values)[i];
                s[i] = reduction == 0 ? (int64_t) sum : reduce(s[i], ((int64_t *) values)[i], reduction);
                break;
            }
            case 6: {
                auto *s = (_Float16 *) sums;
                s[i] = (_Float16) reduce((float) s[i], (float) ((_Float16 *) values)[i], reduction);
                break;
            }
            case 7: {
                auto *s = (float *) sums;
                s[i] = reduce(s[i], ((float *) values)[i], reduction);
                break;
            }
            case 9: {
                auto *s = (uint16_t *) sums;
                s[i] = to_bf16(reduce(from_bf16(s[i]), from_bf16(((uint16_t *) values)[i]), reduction));
                break;
            }
            case 1: sums[i] += values[i]; break;
            default: abort();
        }
    }
}

bool alike(const Meeting &meeting) {
    const Call &first = meeting.calls.begin()->second;
    for (auto &[rank, call] : meeting.calls) {
        if (call.kind != first.kind || call.count != first.count || call.type != first.type
            || call.root != first.root || call.reduction != first.reduction) return false;
    }
    return true;
}

/* Does a call of all ranks at once; the lock is held. */
void perform(Clique &clique, Meeting &meeting) {
    const Call &first = meeting.calls.begin()->second;
    size_t block = first.count * type_bytes(first.type);
    int size = clique.size;
    std::vector<char> result;
    if (first.kind == all_reduce || first.kind == reduce_scatter) {
        size_t whole = first.kind == all_reduce ? block : block * size;
        result.assign((const char *) meeting.calls[0].in, (const char *) meeting.calls[0].in + whole);
        for (int i = 1; i < size; i++) {
            accumulate(result.data(), (const char *) meeting.calls[i].in, whole / type_bytes(first.type), first.type,
                       first.reduction);
        }
    } else if (first.kind == all_gather) {
        for (int i = 0; i < size; i++) {
            const char *in = (const char *) meeting.calls[i].in;
            result.insert(result.end(), in, in + block);
        }
    } else {
        int root = first.kind == message ? 0 : first.root;
        const char *in = (const char *) meeting.calls[root].in;
        result.assign(in, in + block);
    }
    for (auto &[rank, call] : meeting.calls) {
        if (first.kind == message && rank == 0) continue;
        if (first.kind == reduce_scatter) memcpy(call.out, result.data() + rank * block, block);
        else memcpy(call.out, result.data(), result.size());
    }
}

/* The kernel of a rank: meets the others', until the communicator is aborted. */
void kernel(Comm *comm, long number, Call call) {
    std::unique_lock<std::mutex> guard(mutex);
    Clique &clique = *comm->clique;
    Meeting &meeting = clique.meetings[number];
    meeting.calls[comm->rank] = call;
    if ((int) meeting.calls.size() == clique.size && alike(meeting)) {
        perform(clique, meeting);
        meeting.done = true;
        news.notify_all();
    }
    news.wait(guard, [&] { return meeting.done || comm->aborted; });
    /* Whoever comes later must not use this rank's memory. */
    if (!meeting.done) meeting.calls.erase(comm->rank);
    comm->jobs--;
    news.notify_all();
}

int start(Comm *comm, Call call, void *stream) {
    std::lock_guard<std::mutex> guard(mutex);
    if (comm->state != success) {
        last_error = "the communicator is not ready";
        return invalid_usage;
    }
    comm->state = in_progress;
    comm->jobs++;
    call.in = fake_real(call.in);
    call.out = fake_real(call.out);
    long number = comm->calls++;
    std::thread([=] {
        /* Not at once, as in the real one. */
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        fake_enqueue(stream, new std::function<void()>([=] { kernel(comm, number, call); }));
        std::lock_guard<std::mutex> later(mutex);
        if (comm->state == in_progress) comm->state = success;
    }).detach();
    return in_progress;
}

Comm *make(std::shared_ptr<Clique> clique, int rank) {
    Comm *comm = new Comm{clique, rank};
    all.push_back(comm);
    return comm;
}

}  // namespace

extern "C" {

struct ncclUniqueId { char internal[128]; };
struct ncclConfig_v21400 { size_t size; unsigned magic; unsigned version; int blocking; };

/* Makes communicators that are made from now on fail. */
void fake_fail_init(int code) { init_code = code; }
/* An error that a rank's communicators notice on the device or network. */
void fake_async_error(int rank, int code) {
    std::lock_guard<std::mutex> guard(mutex);
    last_error = "connection closed by\npeer";
    for (Comm *comm : all) if (comm->rank == rank) comm->state = code;
}
/* Communicators that are neither destroyed nor aborted. */
int fake_communicators() {
    std::lock_guard<std::mutex> guard(mutex);
    return all.size();
}

int ncclGetVersion(int *version) { *version = 22304; return success; }
int ncclGetUniqueId(ncclUniqueId *id) {
    std::lock_guard<std::mutex> guard(mutex);
    memset(id, 0, sizeof *id);
    /* All bytes count: the last ones too. */
    snprintf(id->internal + 100, 28, "%ld", ++ids);
    return success;
}
const char *ncclGetErrorString(int code) {
    return code == invalid_usage ? "invalid usage" : code == 6 ? "remote process exited or there was a network error"
        : code == 3 ? "internal error" : "something";
}
const char *ncclGetLastError(void *) { return last_error.c_str(); }

int ncclCommInitRankConfig(Comm **out, int size, ncclUniqueId id, int rank, ncclConfig_v21400 *config) {
    std::lock_guard<std::mutex> guard(mutex);
    if (config->size != sizeof *config || config->magic != 0xcafebeef || config->version != 21400
        || config->blocking != 0) return invalid_argument;
    if (fake_current_device() < 0) return cuda_error;
    auto &clique = cliques[std::string(id.internal, sizeof id.internal)];
    if (!clique) clique.reset(new Clique{size, {}, {}});
    Comm *comm = make(clique, rank);
    *out = comm;
    clique->devices[rank] = fake_current_device();
    std::thread([comm, code = init_code] {
        std::unique_lock<std::mutex> later(mutex);
        Clique &found = *comm->clique;
        news.notify_all();
        news.wait(later, [&] { return comm->aborted || code || (int) found.devices.size() == found.size; });
        comm->state = code ? code : success;
    }).detach();
    return in_progress;
}

int ncclCommSplit(Comm *parent, int color, int key, Comm **out, void *) {
    std::lock_guard<std::mutex> guard(mutex);
    if (parent->state != success) return invalid_usage;
    parent->state = in_progress;
    long number = parent->calls++;
    Call call{split, nullptr, nullptr, 0, 0, 0, color, out};
    std::thread([=] {
        std::unique_lock<std::mutex> later(mutex);
        Clique &clique = *parent->clique;
        Meeting &meeting = clique.meetings[number];
        meeting.calls[parent->rank] = call;
        news.notify_all();
        news.wait(later, [&] { return parent->aborted || (int) meeting.calls.size() == clique.size; });
        if (parent->aborted) return;
        int size = 0, rank = 0;
        for (auto &[other, its] : meeting.calls) {
            size += its.root == color;
            rank += its.root == color && other < key;
        }
        char name[64];
        snprintf(name, sizeof name, "%p %ld %d", (void *) &clique, number, color);
        auto &child = cliques[name];
        if (!child) child.reset(new Clique{size, {}, {}});
        *out = make(child, rank);
        (*out)->state = success;
        parent->state = success;
    }).detach();
    return in_progress;
}

int ncclCommGetAsyncError(Comm *comm, int *state) {
    std::lock_guard<std::mutex> guard(mutex);
    *state = comm->state;
    return success;
}

static void forget(Comm *comm) {
    for (size_t i = 0; i < all.size(); i++) if (all[i] == comm) all.erase(all.begin() + i--);
}

/* Memory of communicators stays: a use after the end is then seen as a wrong state and not as a crash. */
int ncclCommAbort(Comm *comm) {
    std::unique_lock<std::mutex> guard(mutex);
    comm->aborted = true;
    comm->state = invalid_usage;
    news.notify_all();
    forget(comm);
    return success;
}
int ncclCommFinalize(Comm *comm) {
    std::unique_lock<std::mutex> guard(mutex);
    if (comm->state != success) return invalid_usage;
    comm->state = in_progress;
    std::thread([comm] {
        std::unique_lock<std::mutex> later(mutex);
        news.wait(later, [&] { return comm->jobs == 0 || comm->aborted; });
        comm->state = success;
    }).detach();
    return in_progress;
}
int ncclCommDestroy(Comm *comm) {
    std::lock_guard<std::mutex> guard(mutex);
    if (comm->state != success) return invalid_usage;
    comm->state = invalid_usage;
    forget(comm);
    return success;
}

int ncclAllReduce(const void *in, void *out, size_t count, int type, int reduction, Comm *comm, void *stream) {
    return start(comm, Call{all_reduce, in, out, count, type, reduction, 0, nullptr}, stream);
}
int ncclReduceScatter(const void *in, void *out, size_t count, int type, int reduction, Comm *comm, void *stream) {
    return start(comm, Call{reduce_scatter, in, out, count, type, reduction, 0, nullptr}, stream);
}
int ncclAllGather(const void *in, void *out, size_t count, int type, Comm *comm, void *stream) {
    return start(comm, Call{all_gather, in, out, count, type, 0, 0, nullptr}, stream);
}
int ncclBroadcast(const void *in, void *out, size_t count, int type, int root, Comm *comm, void *stream) {
    return start(comm, Call{broadcast, in, out, count, type, 0, root, nullptr}, stream);
}
int ncclSend(const void *in, size_t count, int type, int peer, Comm *comm, void *stream) {
    if (peer != 1 || comm->rank != 0) return invalid_argument;
    return start(comm, Call{message, in, nullptr, count, type, 0, 0, nullptr}, stream);
}
int ncclRecv(void *out, size_t count, int type, int peer, Comm *comm, void *stream) {
    if (peer != 0 || comm->rank != 1) return invalid_argument;
    return start(comm, Call{message, nullptr, out, count, type, 0, 0, nullptr}, stream);
}

}

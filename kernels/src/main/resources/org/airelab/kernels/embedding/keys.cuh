// What the rows of a batch are sorted by: their ids, and where these are equal, their places in the batch. No two keys
// are equal, so that there is one sorted order, however it is reached.
#include "lab.cuh"

// Stands for all ids outside of [0, vocabulary), and comes last.
const int NOBODY = 0x7fffffff;

// Where there is no key: smaller than none, and of an id that no row has.
const unsigned long long NO_KEY = ~0ull;

DEVICE unsigned long long key_of(int id, unsigned place) { return (unsigned long long) id << 32 | place; }
DEVICE int id_of(unsigned long long key) { return (int) (key >> 32); }
DEVICE int place_of(unsigned long long key) { return (int) (key & 0xffffffffu); }

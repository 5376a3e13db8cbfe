// Memory that an agent at rest does not use: pages of its program and libraries that were only
// needed to start, and free pages in the heap.
//
//   IdleMemory memory;
//   ... now and then: memory.Look();
//
// Two thirds of what an agent has resident right after its start is code of libraries that it never
// runs again. Such pages are the file's own: giving them back costs a fault when one is needed
// after all, and nothing else. What is needed at rest comes back within a minute, so that it is
// learned and left alone. One thread.
#pragma once

#include <cstdint>

namespace muster::agent {

// Decides when it is worth it, by how much has come in since the last time. Pure.
class RestingMemory {
 public:
  // Whether to give back now; `mapped`: resident bytes of files.
  bool IsWorthIt(int64_t mapped);
  // It was given back, and so much is left.
  void Returned(int64_t mapped);

 private:
  int64_t after_ = 0;   // what was left after the last time
  int64_t needed_ = 0;  // what comes back by itself
  int64_t first_ = 0;   // what had come back at the first question after the last time
  bool asked_ = true;   // since the last time
};

// Gives back what can be had again from a file, and what is free. Costs a few milliseconds.
void ReturnIdleMemory();

class IdleMemory {
 public:
  // Gives it back when that is worth it, and says whether it was. Costs nearly nothing otherwise.
  bool Look();

 private:
  RestingMemory resting_;
};

}  // namespace muster::agent

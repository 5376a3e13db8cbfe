// Memory that an agent at rest does not use: pages of its program and libraries that were only
// needed to start, and free pages in the heap.
//
// Two thirds of what an agent has resident right after its start is code of libraries that it never
// runs again. Such pages are the file's own: giving them back costs a fault when one is needed
// after all, and nothing else. Any thread.
#pragma once

namespace muster::agent {

// Gives back what can be had again from a file, and what is free. Costs a few milliseconds.
void ReturnIdleMemory();

// Whether so much has come in since the last time that it is worth it. Cheap.
bool HasIdleMemory();

}  // namespace muster::agent

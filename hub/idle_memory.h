// Memory that is free in the process but not to the machine.
//
// A storm of joins or reconnects leaves the allocator (jemalloc, docs/adr/0016) with free pages,
// which it gives back little by little as long as it is called; a hub that has become quiet would
// keep them. Called now and then by the sweeper. Any thread; costs next to nothing when there is
// nothing to return.
#pragma once

namespace muster::hub {

// Gives pages back to the system that have been free for some seconds.
void ReturnIdleMemory();

}  // namespace muster::hub

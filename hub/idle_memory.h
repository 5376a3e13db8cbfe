// Memory that is free in the process but not to the machine.
//
// A storm of joins or reconnects leaves the allocator with free pages between the ones in use; it
// returns them only when asked. Called now and then by the sweeper. Any thread; costs some
// milliseconds when there is much to return, and next to nothing otherwise.
#pragma once

namespace muster::hub {

// Gives free pages back to the system when they are a considerable part of the heap.
void ReturnIdleMemory();

}  // namespace muster::hub

// StopSignal: SIGTERM and SIGINT as something that a program waits for, instead of a handler that
// interrupts it.
//
//   StopSignal stop;              // first, before any thread, so that all of them inherit the mask
//   ... start everything ...
//   stop.Wait();
//   ... stop everything, in order ...
//
// Raise: any thread; the rest: the thread that made it.
#pragma once

#include "absl/time/time.h"

namespace muster {

class StopSignal {
 public:
  // From now on the signals no longer end the process.
  StopSignal();

  // Returns once a signal came or Raise was called.
  void Wait();

  // As Wait, for at most `timeout`; returns whether it is time to stop.
  bool WaitFor(absl::Duration timeout);

  // As if a signal had come: something failed and the program has to end.
  void Raise();

 private:
  bool stopped_ = false;
};

}  // namespace muster

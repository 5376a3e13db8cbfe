// Sessions: who is signed in to the console with a browser.
//
//   const Sessions::Code code = sessions.CreateCode("ada");         // asked for with a certificate
//   sessions.Redeem(code.code)                                       // by the browser, once
//   sessions.Find(cookie)                                            // "ada", until it ends
//
// Codes and tokens are 256 random bits; only their digests are kept, and in memory: a hub that
// starts anew has no sessions. A session ends eight hours after it began, or after an hour in which
// nothing was asked with it. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/mutex.h"
#include "common/base/random.h"

namespace muster::hub {

class Sessions {
 public:
  static constexpr absl::Duration kCodeLifetime = absl::Minutes(5);
  static constexpr absl::Duration kSessionLifetime = absl::Hours(8);
  static constexpr absl::Duration kSessionIdle = absl::Hours(1);
  static constexpr size_t kCodesMax = 100;
  static constexpr size_t kSessionsMax = 1'000;

  struct Code {
    std::string code;
    absl::Time expires;
  };
  struct Session {
    std::string token;  // for the cookie; nobody can be told it again
    std::string actor;
    absl::Time expires;
  };

  // Both must outlive it; `random` must be fit for keys.
  Sessions(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // A code that signs `actor` in. kResourceExhausted when kCodesMax wait.
  absl::StatusOr<Code> CreateCode(const std::string& actor);

  // Begins a session and makes the code worthless. kUnauthenticated for a code that is not, or no
  // longer, good. Beyond kSessionsMax the session that was idle longest ends.
  absl::StatusOr<Session> Redeem(absl::string_view code);

  // Whose session it is; nullopt when it has ended. Counts as a use.
  std::optional<std::string> Find(absl::string_view token);

  // Whether it has not ended. No use: a page that is only open keeps no session alive.
  bool IsOpen(absl::string_view token);

  // Signs out; unknown ones are no error.
  void End(absl::string_view token);

 private:
  struct Waiting {
    std::string actor;
    absl::Time expires;
  };
  struct Open {
    std::string actor;
    absl::Time expires;
    absl::Time used;
  };

  bool Ended(const Open& session) const;
  void Forget() EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Random& random_;
  Mutex mutex_;
  std::map<Digest, Waiting> codes_ GUARDED_BY(mutex_);
  std::map<Digest, Open> sessions_ GUARDED_BY(mutex_);
};

}  // namespace muster::hub

#include "hub/http/sessions.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"

namespace muster::hub {
namespace {

constexpr size_t kSecretBytes = 32;

}  // namespace

absl::StatusOr<Sessions::Code> Sessions::CreateCode(const std::string& actor) {
  MutexLock lock(mutex_);
  Forget();
  if (codes_.size() >= kCodesMax) {
    return absl::ResourceExhaustedError(
        "too many codes to sign in with wait to be used; they end after five minutes");
  }
  Code code{absl::WebSafeBase64Escape(random_.Bytes(kSecretBytes)), clock_.Now() + kCodeLifetime};
  codes_[Digest::Of(code.code)] = Waiting{actor, code.expires};
  return code;
}

absl::StatusOr<Sessions::Session> Sessions::Redeem(absl::string_view code) {
  MutexLock lock(mutex_);
  Forget();
  const auto found = codes_.find(Digest::Of(code));
  if (found == codes_.end()) {
    return absl::UnauthenticatedError(
        "this code was used already, is older than five minutes, or is none; ask for a new one: "
        "muster dashboard");
  }
  const absl::Time now = clock_.Now();
  Session session{absl::WebSafeBase64Escape(random_.Bytes(kSecretBytes)),
                  std::move(found->second.actor), now + kSessionLifetime};
  codes_.erase(found);
  if (sessions_.size() >= kSessionsMax) {
    sessions_.erase(std::min_element(
        sessions_.begin(), sessions_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
  sessions_[Digest::Of(session.token)] = Open{session.actor, session.expires, now};
  return session;
}

std::optional<std::string> Sessions::Find(absl::string_view token) {
  MutexLock lock(mutex_);
  const auto found = sessions_.find(Digest::Of(token));
  if (found == sessions_.end() || Ended(found->second)) return std::nullopt;
  found->second.used = clock_.Now();
  return found->second.actor;
}

bool Sessions::IsOpen(absl::string_view token) {
  MutexLock lock(mutex_);
  const auto found = sessions_.find(Digest::Of(token));
  return found != sessions_.end() && !Ended(found->second);
}

void Sessions::End(absl::string_view token) {
  MutexLock lock(mutex_);
  sessions_.erase(Digest::Of(token));
}

bool Sessions::Ended(const Open& session) const {
  const absl::Time now = clock_.Now();
  return now >= session.expires || now >= session.used + kSessionIdle;
}

void Sessions::Forget() {
  const absl::Time now = clock_.Now();
  for (auto code = codes_.begin(); code != codes_.end();) {
    code = now >= code->second.expires ? codes_.erase(code) : std::next(code);
  }
  for (auto session = sessions_.begin(); session != sessions_.end();) {
    session = Ended(session->second) ? sessions_.erase(session) : std::next(session);
  }
}

}  // namespace muster::hub

#include "hub/join/address_limit.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace muster::hub {

bool AddressLimit::Allow(absl::string_view address, absl::Time now) {
  auto found = buckets_.find(address);
  if (found == buckets_.end()) {
    if (buckets_.size() >= options_.addresses_max) MakeRoom(now);
    found = buckets_.emplace(std::string(address), Bucket{Full(), now}).first;
  }
  Bucket& bucket = found->second;
  const int64_t elapsed_ms = std::max<int64_t>(0, absl::ToInt64Milliseconds(now - bucket.filled));
  // Capped before it is multiplied: an hour of silence fills any bucket.
  bucket.millitokens = std::min(
      Full(), bucket.millitokens + std::min<int64_t>(elapsed_ms, 3'600'000) * options_.per_second);
  bucket.filled = std::max(bucket.filled, now);
  if (bucket.millitokens < 1000) return false;
  bucket.millitokens -= 1000;
  return true;
}

void AddressLimit::MakeRoom(absl::Time now) {
  std::vector<absl::Time> times;
  times.reserve(buckets_.size());
  for (const auto& [address, bucket] : buckets_) times.push_back(bucket.filled);
  // Half of them at once, so that room is rarely made.
  const auto middle = times.begin() + static_cast<int64_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  const absl::Time cut = middle == times.end() ? now : *middle;
  std::erase_if(buckets_, [cut](const auto& entry) { return entry.second.filled <= cut; });
}

std::string AddressOfPeer(absl::string_view peer) {
  if (absl::ConsumePrefix(&peer, "ipv4:")) return std::string(peer.substr(0, peer.rfind(':')));
  if (!absl::ConsumePrefix(&peer, "ipv6:")) return std::string(peer);
  std::string text = absl::StrReplaceAll(peer.substr(0, peer.rfind(':')),
                                         {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
  in6_addr address = {};
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return text;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    char ipv4[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &address.s6_addr[12], ipv4, sizeof(ipv4));
    return ipv4;
  }
  if (IN6_IS_ADDR_LOOPBACK(&address)) return "::1";
  std::memset(&address.s6_addr[8], 0, 8);
  char network[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, &address, network, sizeof(network));
  return absl::StrCat(network, "/64");
}

bool IsLoopback(absl::string_view address) {
  return address == "::1" || absl::StartsWith(address, "127.");
}

}  // namespace muster::hub

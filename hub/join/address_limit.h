// AddressLimit: how often one address may ask. A token bucket for each address that was heard of
// lately, within a bounded memory: when that is full, those that have been quiet longest go.
//
// Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::hub {

struct AddressLimitOptions {
  int burst = 0;
  int per_second = 0;
  size_t addresses_max = 0;
};

class AddressLimit {
 public:
  explicit AddressLimit(AddressLimitOptions options) : options_(options) {}

  // Whether `address` may ask once more at `now`.
  bool Allow(absl::string_view address, absl::Time now);

  size_t addresses() const { return buckets_.size(); }

 private:
  struct Bucket {
    int64_t millitokens = 0;
    absl::Time filled;
  };

  int64_t Full() const { return int64_t{options_.burst} * 1000; }
  void MakeRoom(absl::Time now);

  const AddressLimitOptions options_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

// The address alone of a peer as gRPC names it: "ipv4:192.0.2.1:5000" -> "192.0.2.1". Of an IPv6
// address, its /64: what one customer has.
std::string AddressOfPeer(absl::string_view peer);

bool IsLoopback(absl::string_view address);

}  // namespace muster::hub

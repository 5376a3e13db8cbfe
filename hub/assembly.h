// Assembly: a running hub: every concrete part, wired. What main.cc runs, and what integration
// tests run, so that nothing is tested in another arrangement than the real one.
//
//   Assembly hub(options);
//   RETURN_IF_ERROR(hub.Start());   // agents, operators and new clusters are served from here on
//   ...
//   hub.Stop();
//
// The process must be one that RunAsChild knows (child_process.h), and PrepareGrpc must have been
// called. One thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/limits.h"
#include "hub/addresses.h"

namespace muster::hub {

struct HubOptions {
  std::string data_directory;  // made by InitHub
  ListenAddresses listen = {.agent = "127.0.0.1:7443",
                            .operators = "127.0.0.1:7444",
                            .join = "127.0.0.1:7445",
                            .console = "127.0.0.1:7446"};
  // As others should dial them; empty: as they listen.
  std::string agent_address;
  std::string join_address;
  std::string console_address;
  // Files in PEM of a certificate that browsers know, and its key; empty: one by the hub's own
  // root.
  std::string console_certificate;
  std::string console_key;
  absl::Duration heartbeat = limits::kHeartbeatInterval;
  absl::Duration fleet_interval = absl::Minutes(1);
  absl::Duration certificate_lifetime = limits::kCertificateLifetime;
  bool allow_file_urls = false;
  uint64_t disk_reserve_bytes = limits::kHubDiskReserveBytes;
  std::string helm_program;  // empty: charts are refused
  std::string helm_digest;   // that it must have, "sha256:..."
};

class Assembly {
 public:
  explicit Assembly(HubOptions options);
  ~Assembly();  // stops

  // kFailedPrecondition: no hub there, another one runs there, or of another format;
  // kUnavailable: an address cannot be had.
  absl::Status Start();

  // Streams first, then the ports, then the turns. May be called again, and after a failed Start.
  void Stop();

  // Where it listens, with real ports. Requires: Start was OK.
  const ListenAddresses& addresses() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace muster::hub

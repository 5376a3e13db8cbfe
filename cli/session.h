// Session: one run of `muster`: the flags that every command has, the way to the hub, and how
// results and messages leave.
//
// Data goes to stdout, messages to stderr. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/environment.h"
#include "cli/hub_client.h"
#include "cli/output/format.h"
#include "cli/output/style.h"
#include "common/manifest/value.h"

namespace muster::cli {

// Flags of every command.
struct GlobalFlags {
  std::string context;           // --context; empty: MUSTER_CONTEXT, then the current one
  std::string format = "table";  // -o
  std::string timeout;           // --timeout: a Go duration; empty: the command's own
  bool no_headers = false;
  bool ascii = false;
  bool quiet = false;  // no "next:" lines
};

class Session {
 public:
  // `env` and `flags` must outlive the session.
  Session(Environment& env, const GlobalFlags& flags);

  Environment& env() { return env_; }
  const GlobalFlags& flags() const { return flags_; }
  Format format() const { return FormatOf(flags_.format); }
  absl::Time now() const { return env_.clock.Now(); }

  // How stdout may be written to.
  const Style& style() const { return style_; }

  // The hub of the chosen context; made on first use.
  absl::StatusOr<HubClient*> Hub();

  // "hub 127.0.0.1:8443 (context default)", once Hub was asked for; else empty.
  const std::string& hub_name() const { return hub_name_; }

  // --timeout, or `otherwise`. kInvalidArgument for what is no positive duration.
  absl::StatusOr<absl::Duration> Timeout(absl::Duration otherwise) const;

  // Writes data.
  void Print(absl::string_view text) { env_.out << text << std::flush; }
  // Writes `document` as -o json, yaml or jsonpath asks. Requires: IsDocument(format()).
  void PrintDocument(const Value& document);
  // Writes one line for people to stderr. Not made harmless: see SafeText.
  void Tell(absl::string_view line);
  // "next: muster get clusters".
  void TellNext(absl::string_view command);

  // Writes an error to stderr, as text or as -o json asks. Adds where the hub is, when it was the
  // hub that could not be reached.
  void TellProblem(const absl::Status& status);

  // What a change prints: "cluster/prod-1 accepted" and the next command; a document with -o json.
  void PrintDone(absl::string_view message, absl::string_view next);

 private:
  Environment& env_;
  const GlobalFlags& flags_;
  Style style_;
  std::shared_ptr<HubClient> hub_;
  std::string hub_name_;
};

}  // namespace muster::cli

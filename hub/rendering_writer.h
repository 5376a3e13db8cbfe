// RenderingWriter: takes renderings as a child answers them, checks them, and puts manifests and
// objects into the store under their digests. Nothing that the child says of itself is believed:
// what is stored is named by what it is.
//
// One thread.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/store/store.h"
#include "hub/core/event.h"
#include "proto/child.pb.h"

namespace muster::hub {

class RenderingWriter {
 public:
  // `store` must outlive it.
  explicit RenderingWriter(Store* store) : store_(store) {}

  // What the core is told about `output`, which follows those given before: of several with one
  // input digest, only the first carries the bundle. Nothing is durable before Flush. Returns an
  // error when the child's word does not hold (kDataLoss) or the store refuses
  // (kResourceExhausted); a failed rendering is in the result's status instead.
  absl::StatusOr<Rendered> Add(const v1::RenderOutput& output);

  // Makes all that was added durable.
  absl::Status Flush();

 private:
  absl::Status AddBundle(const v1::RenderOutput& output, Rendered* rendered);
  absl::Status PutBlob(const Digest& digest, absl::string_view content);

  Store* const store_;
  Batch batch_;
  std::set<Digest> in_batch_;  // looked at since the last flush
  std::map<Digest, Rendered> by_input_;
};

}  // namespace muster::hub

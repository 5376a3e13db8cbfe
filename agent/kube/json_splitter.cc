#include "agent/kube/json_splitter.h"

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace {

// What etcd takes is far less; a list's page around its items too.
constexpr size_t kPartBytesMax = limits::kObjectBytesMax;

}  // namespace

void JsonSplitter::Open(char bracket) {
  ++depth_;
  if (of_ == Of::kItems && depth_ == 2 && bracket == '[' && last_string_ == "items") {
    in_items_ = true;
  }
}

absl::Status JsonSplitter::Close() {
  if (depth_ == 0) return absl::InvalidArgumentError("json: a bracket closes that none opened");
  --depth_;
  return absl::OkStatus();
}

absl::Status JsonSplitter::Feed(absl::string_view bytes) {
  for (const char c : bytes) {
    const bool in_part = of_ == Of::kSequence ? depth_ >= 1 : in_items_ && depth_ >= 3;
    bool ends_part = false;
    bool keep_in_rest = of_ == Of::kItems && !in_part;
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      if (in_string_ && of_ == Of::kItems && depth_ == 1) last_string_.push_back(c);
    } else if (c == '"') {
      in_string_ = true;
      if (depth_ == 1) last_string_.clear();
    } else if (c == '{' || c == '[') {
      Open(c);
      keep_in_rest = keep_in_rest && !(in_items_ && depth_ == 3);
    } else if (c == '}' || c == ']') {
      RETURN_IF_ERROR(Close());
      ends_part = in_part && depth_ == part_depth() - 1;
      if (in_items_ && depth_ == 1) in_items_ = false;
    } else if (in_items_ && depth_ == 2) {
      keep_in_rest = false;  // the commas between
    }
    if (keep_in_rest) rest_.push_back(c);
    if (in_part || (of_ == Of::kSequence ? depth_ >= 1 : in_items_ && depth_ >= 3)) {
      text_.push_back(c);
    }
    if (text_.size() > kPartBytesMax || rest_.size() > kPartBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("json: an object of more than ", kPartBytesMax, " bytes"));
    }
    if (!ends_part) continue;
    part_(text_);
    text_.clear();
  }
  // A large object should not be paid for until the next one comes.
  if (text_.empty() && text_.capacity() > (64u << 10)) std::string().swap(text_);
  return absl::OkStatus();
}

}  // namespace muster::agent

#include "hub/rpc/page.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"

namespace muster::hub {
namespace {

constexpr absl::string_view kTokenPrefix = "p1:";

}  // namespace

absl::StatusOr<Page> Page::Of(const v1::ListRequest& request) {
  if (request.limit() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("list: limit ", request.limit(), " is below zero"));
  }
  std::string after;
  if (!request.page_token().empty()) {
    std::string text;
    if (!absl::WebSafeBase64Unescape(request.page_token(), &text) ||
        text.size() <= kTokenPrefix.size() || text.compare(0, 3, kTokenPrefix.data(), 3) != 0) {
      return absl::InvalidArgumentError("list: the page token is not one that this hub gave");
    }
    after = text.substr(kTokenPrefix.size());
  }
  const int most = request.detail() ? limits::kPageDetailRowsMax : limits::kPageRowsMax;
  return Page(std::move(after), request.limit() == 0 ? most : std::min(request.limit(), most));
}

bool Page::Take(absl::string_view key) {
  if (left_ == 0) {
    more_ = true;
    return false;
  }
  --left_;
  last_ = std::string(key);
  return true;
}

std::string Page::next_token() const {
  if (!more_) return "";
  return absl::WebSafeBase64Escape(absl::StrCat(kTokenPrefix, last_));
}

}  // namespace muster::hub

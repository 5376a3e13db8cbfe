// Page: one page of a list, and the token that leads to the next. A token is opaque to callers: the
// key of the last row on the page, so that rows which come and go between two pages neither repeat
// nor hide others.
//
//   ASSIGN_OR_RETURN(Page page, Page::Of(request));
//   for (each row in order, after page.after()) if (page.Take(key)) Add(row);
//   response.set_next_page_token(page.next_token());
//
// Pure; one thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/operator_service.pb.h"

namespace muster::hub {

class Page {
 public:
  // kInvalidArgument for a limit below zero or a token that no list gave.
  static absl::StatusOr<Page> Of(const v1::ListRequest& request);

  // Key of the last row of the page before; empty on the first page.
  const std::string& after() const { return after_; }

  // Whether the row under `key` still has room on the page. Once it has not, there is a next page.
  bool Take(absl::string_view key);

  // Empty on the last page.
  std::string next_token() const;

 private:
  Page(std::string after, int limit) : after_(std::move(after)), left_(limit) {}

  std::string after_;
  int left_;
  std::string last_;  // taken
  bool more_ = false;
};

}  // namespace muster::hub

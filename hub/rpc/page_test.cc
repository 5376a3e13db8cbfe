#include "hub/rpc/page.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "gtest/gtest.h"

namespace muster::hub {
namespace {

// The keys of one page of `rows`, and the token of the next.
std::vector<std::string> Read(const std::vector<std::string>& rows, int limit, std::string& token) {
  v1::ListRequest request;
  request.set_limit(limit);
  request.set_page_token(token);
  Page page = *Page::Of(request);
  std::vector<std::string> taken;
  for (const std::string& row : rows) {
    if (row > page.after() && page.Take(row)) taken.push_back(row);
  }
  token = page.next_token();
  return taken;
}

TEST(Page, LeadsThroughAllRowsOnce) {
  const std::vector<std::string> rows = {"a", "b", "c", "d", "e"};
  std::string token;
  EXPECT_EQ(Read(rows, 2, token), (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(token, "");
  EXPECT_EQ(Read(rows, 2, token), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(Read(rows, 2, token), (std::vector<std::string>{"e"}));
  EXPECT_EQ(token, "");
}

TEST(Page, HasNoNextWhenTheLastRowFills) {
  std::string token;
  EXPECT_EQ(Read({"a", "b"}, 2, token).size(), 2u);
  EXPECT_EQ(token, "");
}

TEST(Page, NeitherRepeatsNorHidesWhenRowsComeAndGo) {
  std::string token;
  EXPECT_EQ(Read({"a", "c", "e"}, 2, token), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(Read({"b", "d", "e"}, 2, token), (std::vector<std::string>{"d", "e"}));
}

TEST(Page, HoldsNoMoreThanTheHubsOwnLimit) {
  std::vector<std::string> rows;
  for (int i = 0; i < 2 * limits::kPageRowsMax; ++i) rows.push_back(absl::StrCat(100'000 + i));
  std::string token;
  EXPECT_EQ(Read(rows, 1'000'000, token).size(), size_t{limits::kPageRowsMax});
  token.clear();
  EXPECT_EQ(Read(rows, 0, token).size(), size_t{limits::kPageRowsMax});
}

TEST(Page, RefusesWhatNoListGave) {
  for (const char* token : {"x", "!!!", "cDE6", "eDE6YQ"}) {
    v1::ListRequest request;
    request.set_page_token(token);
    EXPECT_EQ(Page::Of(request).status().code(), absl::StatusCode::kInvalidArgument) << token;
  }
  v1::ListRequest request;
  request.set_limit(-1);
  EXPECT_EQ(Page::Of(request).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster::hub

#include "hub/http/message.h"

#include "gtest/gtest.h"

namespace muster::hub {
namespace {

TEST(Target, IsTakenApartAndDecoded) {
  HttpRequest request;
  ASSERT_TRUE(ParseTarget("/api/v1/clusters/prod%201?selector=env%3Dprod&q=a+b&flag", &request));
  EXPECT_EQ(request.path, "/api/v1/clusters/prod 1");
  EXPECT_EQ(request.query, (std::vector<std::pair<std::string, std::string>>{
                               {"selector", "env=prod"}, {"q", "a b"}, {"flag", ""}}));
}

TEST(Target, APlusIsABlankInAQueryOnly) {
  HttpRequest request;
  ASSERT_TRUE(ParseTarget("/a+b?c=d+e", &request));
  EXPECT_EQ(request.path, "/a+b");
  EXPECT_EQ(request.query[0].second, "d e");
}

TEST(Target, WhatIsNoneIsRefused) {
  for (const char* target : {"", "*", "http://example.com/", "/a%", "/a%2", "/a%zz", "/a%00b",
                             "/a?b=%0d%0aSet-Cookie:x", "/%ff", "/a?%c0%80=1"}) {
    HttpRequest request;
    EXPECT_FALSE(ParseTarget(target, &request)) << target;
  }
}

TEST(Cookies, AreFoundByTheirWholeName) {
  EXPECT_EQ(CookieOf("a=1; __Host-muster=abc; b=2", "__Host-muster"), "abc");
  EXPECT_EQ(CookieOf("x__Host-muster=abc", "__Host-muster"), "");
  EXPECT_EQ(CookieOf("__Host-muster2=abc", "__Host-muster"), "");
  EXPECT_EQ(CookieOf("", "__Host-muster"), "");
}

TEST(AcceptEncoding, GzipIsTakenWhereItIsNotRefused) {
  EXPECT_TRUE(TakesGzip("gzip"));
  EXPECT_TRUE(TakesGzip("br, GZIP;q=0.5"));
  EXPECT_FALSE(TakesGzip("gzip;q=0, br"));
  EXPECT_FALSE(TakesGzip("br"));
  EXPECT_FALSE(TakesGzip(""));
}

TEST(IfNoneMatch, IsAListOrEverything) {
  EXPECT_TRUE(MatchesEtag("W/\"1\", W/\"2\"", "W/\"2\""));
  EXPECT_TRUE(MatchesEtag("*", "W/\"2\""));
  EXPECT_FALSE(MatchesEtag("W/\"22\"", "W/\"2\""));
  EXPECT_FALSE(MatchesEtag("", "W/\"2\""));
}

}  // namespace
}  // namespace muster::hub

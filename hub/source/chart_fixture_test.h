// Registries of charts that answer from memory, and what is fetched from them. For tests only.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "hub/source/chart_fetch.h"
#include "hub/source/libgit2_source.h"

namespace muster::hub {

// A chart's archive with Chart.yaml and one more file.
inline std::string Archive(const std::string& version, const std::string& note) {
  std::string tar;
  for (const auto& [name, bytes] : std::map<std::string, std::string>{
           {"web/Chart.yaml", absl::StrCat("name: web\nversion: ", version, "\n")},
           {"web/templates/note.txt", note}}) {
    std::string header(512, '\0');
    std::memcpy(header.data(), name.data(), name.size());
    std::snprintf(header.data() + 124, 12, "%011zo", bytes.size());
    header[156] = '0';
    std::memset(header.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(header.data() + 148, 8, "%06o", sum);
    tar += header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
  }
  tar += std::string(1024, '\0');
  z_stream stream = {};
  CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, tar.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(tar.data());
  stream.avail_in = static_cast<uInt>(tar.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline std::string DigestOf(const std::string& bytes) {
  return absl::StrCat("sha256:", Digest::Of(bytes).hex());
}

// Servers that answer from memory: what is not there is 404.
class FakeHttps final : public Https {
 public:
  absl::StatusOr<HttpsAnswer> Get(const HttpsRequest& request) override {
    asked.push_back(
        absl::StrCat(request.url, request.authorization.empty() ? "" : " ", request.authorization));
    if (down) return absl::UnavailableError("no route to host");
    if (intercept) {
      if (std::optional<HttpsAnswer> answer = intercept(request)) return *answer;
    }
    const auto page = pages.find(request.url);
    if (page == pages.end()) return HttpsAnswer{404, {}, ""};
    if (page->second.size() > request.bytes_max) return absl::ResourceExhaustedError("too large");
    return HttpsAnswer{200, {}, page->second};
  }

  bool Asked(const std::string& text) const {
    return absl::StrContains(absl::StrJoin(asked, "\n"), text);
  }

  std::map<std::string, std::string> pages;
  std::function<std::optional<HttpsAnswer>(const HttpsRequest&)> intercept;
  std::vector<std::string> asked;
  bool down = false;
};

class ChartFetchTest : public ::testing::Test {
 protected:
  ChartFetchTest()
      : clone_(absl::StrCat(::testing::TempDir(), "/",
                            ::testing::UnitTest::GetInstance()->current_test_info()->name())),
        store_(clone_ + "/charts.git"),
        git_({.directory = clone_}) {
    CHECK(std::system(absl::StrCat("rm -rf ", clone_, " && mkdir -p ", clone_).c_str()) == 0);
    request_.set_repository("charts");
    request_.set_type(v1::REPOSITORY_TYPE_HELM);
    request_.set_url("https://charts.example.com/stable");
  }

  void Want(const std::string& version, const std::string& digest = "",
            const std::string& chart = "web") {
    v1::ChartWant& want = *request_.add_charts();
    want.set_chart(chart);
    want.set_version(version);
    want.set_digest(digest);
  }

  // index.yaml and the archives of these versions, and what else they say.
  void Publish(const std::map<std::string, std::string>& versions) {
    std::string index = "apiVersion: v1\nentries:\n  web:\n";
    for (const auto& [version, note] : versions) {
      const std::string archive = Archive(version, note);
      const std::string file = absl::StrCat("web-", version, ".tgz");
      absl::StrAppend(&index, "  - name: web\n    version: ", version,
                      "\n    digest: ", Digest::Of(archive).hex(), "\n    urls: [", file, "]\n");
      https_.pages[absl::StrCat("https://charts.example.com/stable/", file)] = archive;
    }
    https_.pages["https://charts.example.com/stable/index.yaml"] = index;
  }

  absl::StatusOr<v1::FetchResponse> Fetch() {
    auto registry = MakeChartRegistry(request_, https_);
    if (!registry.ok()) return registry.status();
    auto response =
        FetchCharts(request_, **registry, store_, 1'000, [this] { return looks_left-- <= 0; });
    if (response.ok()) last_ = *response;
    return response;
  }

  // As the core does it when what was fetched rules.
  void Rule() {
    request_.set_known_commit(last_.commit());
    *request_.mutable_known_charts() = last_.charts();
  }

  std::string NoteOf(const v1::ChartPin& pin) {
    auto files = git_.Read("charts", last_.commit(), pin.path());
    if (!files.ok()) return files.status().ToString();
    const std::string* note = files->Find(pin.path() + "/templates/note.txt");
    return note == nullptr ? "no note" : *note;
  }

  const std::string clone_;
  GitChartStore store_;
  Libgit2Source git_;
  FakeHttps https_;
  v1::FetchRequest request_;
  v1::FetchResponse last_;
  int looks_left = 1'000;
};

}  // namespace muster::hub

// serve: the stub API server as a program, for benches.
//
//   serve KUBECONFIG       writes how to reach it there; ends with its stdin
//
// Takes lines: "edit PATH JSON" (somebody edits), "count" (answers with the requests so far).
#include <fstream>
#include <iostream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "test/stub_api/stub_server.h"

namespace muster {
namespace {

void WriteKubeconfig(const agent::ApiEndpoint& api, const std::string& path) {
  const auto data = [](const agent::TextSource& source) { return absl::Base64Escape(source.text); };
  std::ofstream(path) << "apiVersion: v1\nkind: Config\ncurrent-context: stub\n"
                      << "contexts: [{name: stub, context: {cluster: stub, user: stub}}]\n"
                      << "clusters:\n- name: stub\n  cluster:\n    server: " << api.Url()
                      << "\n    certificate-authority-data: " << data(api.ca)
                      << "\nusers:\n- name: stub\n  user:\n    client-certificate-data: "
                      << data(api.client_certificate)
                      << "\n    client-key-data: " << data(api.client_key) << "\n";
}

int Main(int argc, char** argv) {
  if (argc != 2) return 2;
  StubServer server;
  uint64_t requests = 0;
  server.Do([&](StubCluster& cluster) {
    cluster.keep_log = false;
    cluster.Serve({"muster.dev/v1alpha1", "Muster", "musters", true});
    cluster.intercept = [&requests](const StubRequest&) -> std::optional<StubResponse> {
      ++requests;
      return std::nullopt;
    };
  });
  WriteKubeconfig(server.endpoint(), argv[1]);
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
    server.Do([&](StubCluster& cluster) {
      if (words[0] == "count") std::cout << requests << std::endl;
      if (words[0] == "edit" && words.size() == 3) {
        cluster.Update(words[1], words[2], "kubectl-edit");
      }
    });
  }
  return 0;
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) { return muster::Main(argc, argv); }

#include "agent/kube/endpoint.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace muster::agent {

absl::StatusOr<std::string> TextSource::Read() const {
  if (file.empty()) return text;
  std::ifstream in(file);
  std::ostringstream contents;
  contents << in.rdbuf();
  if (!in) {
    return absl::NotFoundError(absl::StrCat("read ", file, ": ", std::strerror(errno)));
  }
  return contents.str();
}

std::string ApiEndpoint::Url() const {
  const bool bracketed = absl::StrContains(host, ':');
  return absl::StrCat("https://", bracketed ? "[" : "", host, bracketed ? "]" : "", ":", port,
                      base_path);
}

}  // namespace muster::agent

// Metric: one line of a bench's output, as JSON: {"bench":"fleet","metric":"...","value":...}.
//
// Every bench prints these lines on stdout and nothing else there. `extra` is further members, as
// JSON text. One thread.
#pragma once

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace muster::bench {

inline void PrintMetric(absl::string_view bench, absl::string_view metric, double value,
                        absl::string_view unit, absl::string_view extra) {
  const std::string line =
      absl::StrCat("{\"bench\":\"", bench, "\",\"metric\":\"", metric,
                   "\",\"value\":", absl::StrFormat("%.6g", value), ",\"unit\":\"", unit, "\"",
                   extra.empty() ? "" : ",", extra, "}\n");
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace muster::bench

// Early return for absl::Status and absl::StatusOr.
//
//   RETURN_IF_ERROR(store.Commit(batch));
//   ASSIGN_OR_RETURN(const Manifest manifest, ParseManifest(bytes));
//
// Both return from the enclosing function, which must return Status or StatusOr. `Annotate` puts
// what was attempted before the reason: "render package 'web': apps/web.yaml:12: tab used".
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace muster {

// Returns `status` with "`what`: " before its message; OK stays OK.
inline absl::Status Annotate(const absl::Status& status, absl::string_view what) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

}  // namespace muster

#define MUSTER_CONCAT_INNER(a, b) a##b
#define MUSTER_CONCAT(a, b) MUSTER_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                                     \
  do {                                                                  \
    if (absl::Status status_macro = (expression); !status_macro.ok()) { \
      return status_macro;                                              \
    }                                                                   \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(MUSTER_CONCAT(status_or_, __LINE__), declaration, expression)

#define ASSIGN_OR_RETURN_INNER(holder, declaration, expression) \
  auto holder = (expression);                                   \
  if (!holder.ok()) return holder.status();                     \
  declaration = *std::move(holder)

// Folded text: what becomes of a text that was written with '>' when Kustomize prints it. Pure.
//
// Kustomize writes every object out and reads it back before it prints it. The writer that it uses
// folds wrongly where lines start with a space, so that such texts come out with other line breaks.
// Equal objects are worth more than right ones here: the text is what `kustomize build` delivers.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::kustomize {

// The text after it was written as a folded block and read again.
std::string FoldAndRead(absl::string_view text);

}  // namespace muster::kustomize

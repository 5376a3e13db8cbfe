#include "common/base/compression.h"

#include <zstd.h>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"

namespace muster {

std::string Compress(absl::string_view content) {
  constexpr int kLevel = 3;
  std::string compressed(ZSTD_compressBound(content.size()), '\0');
  const size_t size = ZSTD_compress(compressed.data(), compressed.size(), content.data(),
                                    content.size(), kLevel);
  CHECK(!ZSTD_isError(size)) << ZSTD_getErrorName(size);
  compressed.resize(size);
  return compressed;
}

absl::StatusOr<std::string> Decompress(absl::string_view compressed, size_t size) {
  const unsigned long long claimed =  // NOLINT: the library's type
      ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  if (claimed != size) {
    return absl::InvalidArgumentError(
        absl::StrCat("decompress: the frame does not hold the promised ", size, " bytes"));
  }
  std::string content(size, '\0');
  const size_t got =
      ZSTD_decompress(content.data(), content.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(got) || got != size) {
    return absl::InvalidArgumentError("decompress: the frame is damaged");
  }
  return content;
}

}  // namespace muster

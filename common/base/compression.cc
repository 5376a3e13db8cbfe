#include "common/base/compression.h"

#include <zstd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"

namespace muster {
namespace {

// A context costs more to make than a small content to compress, so each thread keeps one of each.
struct Contexts {
  std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> compress{ZSTD_createCCtx(), ZSTD_freeCCtx};
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> decompress{ZSTD_createDCtx(), ZSTD_freeDCtx};
};

Contexts& OfThisThread() {
  thread_local Contexts contexts;
  return contexts;
}

}  // namespace

std::string Compress(absl::string_view content) {
  constexpr int kLevel = 3;
  std::string compressed(ZSTD_compressBound(content.size()), '\0');
  const size_t size = ZSTD_compressCCtx(OfThisThread().compress.get(), compressed.data(),
                                        compressed.size(), content.data(), content.size(), kLevel);
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
  const size_t got = ZSTD_decompressDCtx(OfThisThread().decompress.get(), content.data(),
                                         content.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(got) || got != size) {
    return absl::InvalidArgumentError("decompress: the frame is damaged");
  }
  return content;
}

absl::StatusOr<std::string> DecompressUpTo(absl::string_view compressed, size_t size_max) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  CHECK(stream != nullptr);
  ZSTD_inBuffer in = {compressed.data(), compressed.size(), 0};
  std::string content;
  size_t left = 1;  // what the last frame still lacks
  while (in.pos < in.size || left != 0) {
    const size_t before = content.size();
    if (before > size_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("decompress: more than ", size_max, " bytes"));
    }
    content.resize(before + ZSTD_DStreamOutSize());
    ZSTD_outBuffer out = {content.data() + before, content.size() - before, 0};
    const size_t consumed = in.pos;
    left = ZSTD_decompressStream(stream.get(), &out, &in);
    content.resize(before + out.pos);
    if (ZSTD_isError(left) || (out.pos == 0 && in.pos == consumed)) {
      return absl::InvalidArgumentError("decompress: the frame is damaged");
    }
  }
  if (content.size() > size_max) {
    return absl::ResourceExhaustedError(absl::StrCat("decompress: more than ", size_max, " bytes"));
  }
  return content;
}

}  // namespace muster

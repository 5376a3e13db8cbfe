// Compression: zstd (RFC 8878) for blobs, on disk and on the wire.
//
// Decompression is bounded by the size that was promised before a byte is unpacked, so a bomb costs
// nothing. Deterministic for one version of the library. Any thread.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// The zstd form of `content`, at level 3.
std::string Compress(absl::string_view content);

// The content, which must have exactly `size` bytes. Returns kInvalidArgument for anything else.
absl::StatusOr<std::string> Decompress(absl::string_view compressed, size_t size);

// The content of frames whose sizes nobody promised. Returns kResourceExhausted for more than
// `size_max` bytes, of which no more are unpacked, and kInvalidArgument for what is no zstd.
absl::StatusOr<std::string> DecompressUpTo(absl::string_view compressed, size_t size_max);

}  // namespace muster

#include "hub/http/gzip.h"

#include <zlib.h>

#include "common/base/check.h"

namespace muster::hub {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's way to say gzip
constexpr int kMemory = 8;

}  // namespace

std::string Gzip(absl::string_view bytes, int level) {
  z_stream stream = {};
  CHECK(deflateInit2(&stream, level, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace muster::hub

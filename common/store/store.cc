#include "common/store/store.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster {

void Batch::Put(absl::string_view key, absl::string_view value) {
  CHECK(!key.empty());
  operations_.push_back({Kind::kPut, std::string(key), std::string(value)});
  bytes_ += key.size() + value.size();
}

void Batch::Delete(absl::string_view key) {
  CHECK(!key.empty());
  operations_.push_back({Kind::kDelete, std::string(key), ""});
  bytes_ += key.size();
}

void Batch::DeletePrefix(absl::string_view prefix) {
  CHECK(!prefix.empty()) << "a batch never empties the whole store";
  operations_.push_back({Kind::kDeletePrefix, std::string(prefix), ""});
  bytes_ += prefix.size();
}

void Batch::Clear() { *this = Batch(); }

absl::StatusOr<std::vector<Record>> Store::Scan(const Range& range) const {
  std::vector<Record> records;
  RETURN_IF_ERROR(Visit(range, [&records](absl::string_view key, absl::string_view value) {
    records.push_back({std::string(key), std::string(value)});
    return true;
  }));
  return records;
}

absl::StatusOr<std::vector<Record>> Store::Scan(absl::string_view prefix) const {
  return Scan(Range{.prefix = std::string(prefix)});
}

std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace muster

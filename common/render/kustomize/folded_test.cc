#include "common/render/kustomize/folded.h"

#include "gtest/gtest.h"

namespace muster::kustomize {
namespace {

TEST(FoldAndRead, KeepsTextWithoutIndentedLines) {
  for (const char* text : {"", "a", "a\n", "a\nb\n", "a\n\nb", "a\n\n", "a b\nc d\n\n\n"}) {
    EXPECT_EQ(FoldAndRead(text), text);
  }
}

TEST(FoldAndRead, AddsALineBeforeIndentedOnes) {
  EXPECT_EQ(FoldAndRead("f(\n  x\n)"), "f(\n\n  x\n)");
  EXPECT_EQ(FoldAndRead("f(\n  x\n  y\n)\n"), "f(\n\n  x\n  y\n)\n");
}

TEST(FoldAndRead, KeepsWhatIsWrittenWithQuotes) {
  EXPECT_EQ(FoldAndRead("f( \n  x\n)"), "f( \n  x\n)");
  EXPECT_EQ(FoldAndRead("f(\n  x "), "f(\n  x ");
}

}  // namespace
}  // namespace muster::kustomize

// Bundles: one form for equal objects, strict reading, and deltas that lead where they say.
#include "common/manifest/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/random.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

BundleInput ConfigMap(absl::string_view name, absl::string_view content,
                      absl::string_view name_space = "web") {
  Value value = Value::Map{
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", Value::Map{{"name", name}, {"namespace", name_space}}},
      {"data", Value::Map{{"content", content}}},
  };
  return {*MakeObject(std::move(value)), absl::StrCat(name, ".yaml:1:1")};
}

Bundle MakeOf(std::vector<BundleInput> inputs) { return *MakeBundle(std::move(inputs)); }

v1::ManifestEntry Entry(absl::string_view name) {
  return MakeOf({ConfigMap(name, "x")}).manifest.entries(0);
}

TEST(Bundle, HasOneFormWhateverTheOrder) {
  const Bundle a = MakeOf({ConfigMap("a", "1"), ConfigMap("b", "2")});
  const Bundle b = MakeOf({ConfigMap("b", "2"), ConfigMap("a", "1")});
  EXPECT_EQ(a.manifest_bytes, b.manifest_bytes);
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_EQ(a.digest, Digest::Of(a.manifest_bytes));
  EXPECT_NE(a.digest, MakeOf({ConfigMap("a", "1"), ConfigMap("b", "3")}).digest);
}

TEST(Bundle, NamesItsBlobs) {
  const Bundle bundle = MakeOf({ConfigMap("b", "2"), ConfigMap("a", "1")});
  ASSERT_EQ(bundle.blobs.size(), 2u);
  ASSERT_EQ(bundle.manifest.entries_size(), 2);
  EXPECT_EQ(bundle.manifest.entries(0).name(), "a");
  EXPECT_TRUE(bundle.blobs[0].digest < bundle.blobs[1].digest);
  uint64_t bytes = 0;
  for (const v1::ManifestEntry& entry : bundle.manifest.entries()) {
    const auto blob =
        std::find_if(bundle.blobs.begin(), bundle.blobs.end(),
                     [&](const Bundle::Blob& b) { return b.digest.view() == entry.digest(); });
    ASSERT_NE(blob, bundle.blobs.end());
    const auto object = ParseBundleObject(entry, blob->json);
    ASSERT_TRUE(object.ok()) << object.status();
    EXPECT_EQ(object->key, KeyOf(entry));
    bytes += blob->json.size();
  }
  EXPECT_EQ(bundle.object_bytes, bytes);
  EXPECT_EQ(ObjectBytes(bundle.manifest), bytes);
}

// These bytes are hashed and signed: a change of the form would be a new world. The digest was
// computed by hand, from the wire format.
TEST(Bundle, KeepsItsBytesForEver) {
  BundleInput input = ConfigMap("a", "1");
  input.wave = -1;
  EXPECT_EQ(MakeOf({input}).digest.hex(),
            "57b664221d2ca7951289c68f44a618fca8963b6841eee987f69a7ff9e29b02f3");
  EXPECT_EQ(MakeOf({}).digest, Digest::Of(""));
}

TEST(Bundle, RefusesTwoObjectsOfOneIdentityNamingBoth) {
  BundleInput second = ConfigMap("a", "2");
  second.origin = "other.yaml:7:1";
  const auto twice = MakeBundle({ConfigMap("a", "1"), second});
  EXPECT_EQ(twice.status().message(),
            "other.yaml:7:1: v1/ConfigMap/web/a is the same object as the one at a.yaml:1:1; keep "
            "one of them");
}

TEST(Bundle, RefusesOneObjectInTwoVersions) {
  const auto deployment = [](absl::string_view api_version, absl::string_view origin) {
    Value value = Value::Map{{"apiVersion", api_version},
                             {"kind", "Deployment"},
                             {"metadata", Value::Map{{"name", "d"}}}};
    return BundleInput{*MakeObject(std::move(value)), std::string(origin)};
  };
  const auto twice =
      MakeBundle({deployment("apps/v1", "a:1:1"), deployment("apps/v1beta1", "b:1:1")});
  EXPECT_THAT(twice.status().message(),
              HasSubstr("b:1:1: apps/v1beta1/Deployment/d is the same object as "
                        "apps/v1/Deployment/d at a:1:1"));
  // The same kind and name in another group is another object.
  EXPECT_TRUE(MakeBundle({deployment("apps/v1", "a"), deployment("extensions/v1beta1", "b")}).ok());
}

TEST(Bundle, RefusesAKeyThatWasMadeWrongByHand) {
  BundleInput input = ConfigMap("a", "1");
  input.object.key.namespace_ = "../etc";
  EXPECT_THAT(MakeBundle({input}).status().message(), HasSubstr("a.yaml:1:1: metadata/namespace"));
}

TEST(Manifest, ReadsBackWhatItEncodes) {
  const Bundle bundle = MakeOf({ConfigMap("a", "1"), ConfigMap("b", "2")});
  const auto manifest = ParseManifest(bundle.manifest_bytes);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(EncodeManifest(*manifest), bundle.manifest_bytes);
  EXPECT_EQ(ParseManifest("")->entries_size(), 0);
}

TEST(Manifest, RefusesWhatIsUnsortedOrTwice) {
  v1::Manifest manifest;
  *manifest.add_entries() = Entry("b");
  *manifest.add_entries() = Entry("a");
  EXPECT_THAT(ParseManifest(manifest.SerializeAsString()).status().message(),
              HasSubstr("v1/ConfigMap/web/a is out of order"));
  *manifest.mutable_entries(1) = Entry("b");
  EXPECT_THAT(ParseManifest(manifest.SerializeAsString()).status().message(),
              HasSubstr("v1/ConfigMap/web/b is there twice"));
}

TEST(Manifest, RefusesEntriesThatNameNothing) {
  const auto refusal = [](auto change) {
    v1::Manifest manifest;
    *manifest.add_entries() = Entry("a");
    change(*manifest.mutable_entries(0));
    return std::string(ParseManifest(manifest.SerializeAsString()).status().message());
  };
  EXPECT_EQ(refusal([](v1::ManifestEntry&) {}), "");
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.set_name("../a"); }), HasSubstr("name '../a'"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.clear_name(); }), HasSubstr("name ''"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.set_namespace_("/"); }), HasSubstr("namespace"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.clear_kind(); }), HasSubstr("kind ''"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.set_api_version("a/b/c"); }),
              HasSubstr("apiVersion"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.set_digest("short"); }),
              HasSubstr("the digest has 5 bytes"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.set_size(0); }), HasSubstr("size 0"));
  EXPECT_THAT(refusal([](v1::ManifestEntry& e) { e.set_size(limits::kObjectBytesMax + 1); }),
              HasSubstr("is not possible"));
}

TEST(Manifest, RefusesASecondSpelling) {
  const std::string bytes = MakeOf({ConfigMap("a", "1")}).manifest_bytes;
  ASSERT_TRUE(ParseManifest(bytes).ok());
  // An unknown field, at the top and within the entry; a field twice; the last byte missing.
  EXPECT_THAT(ParseManifest(bytes + std::string("\x78\x01", 2)).status().message(),
              HasSubstr("canonical"));
  v1::Manifest manifest = *ParseManifest(bytes);
  std::string entry = manifest.entries(0).SerializeAsString();
  const auto wrap = [](const std::string& inner) {
    return std::string("\x0A") + static_cast<char>((inner.size() & 0x7F) | 0x80) +
           static_cast<char>(inner.size() >> 7) + inner;
  };
  EXPECT_FALSE(ParseManifest(wrap(entry + std::string("\x78\x01", 2))).ok());
  EXPECT_FALSE(ParseManifest(wrap(entry + std::string("\x12\x09"
                                                      "ConfigMap")))
                   .ok());
  EXPECT_FALSE(ParseManifest(wrap(entry)).ok()) << "a length of two bytes where one would do";
  EXPECT_FALSE(ParseManifest(bytes.substr(0, bytes.size() - 1)).ok());
  EXPECT_FALSE(ParseManifest("no manifest").ok());
}

TEST(Manifest, HoldsItsLimits) {
  v1::Manifest manifest;
  v1::ManifestEntry entry = Entry("a");
  for (int i = 0; i <= limits::kObjectsPerBundleMax; ++i) {
    entry.set_name(absl::StrCat("n", 100'000 + i));
    *manifest.add_entries() = entry;
  }
  EXPECT_EQ(ParseManifest(manifest.SerializeAsString()).status().code(),
            absl::StatusCode::kResourceExhausted);
  manifest.mutable_entries()->RemoveLast();
  EXPECT_TRUE(ParseManifest(manifest.SerializeAsString()).ok());
  EXPECT_EQ(ParseManifest(std::string(limits::kManifestBytesMax + 1, 'x')).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(BundleObject, RefusesWhatTheEntryDoesNotName) {
  const Bundle bundle = MakeOf({ConfigMap("a", "1")});
  v1::ManifestEntry entry = bundle.manifest.entries(0);
  const std::string& json = bundle.blobs[0].json;
  EXPECT_THAT(ParseBundleObject(entry, json + " ").status().message(), HasSubstr("not the bytes"));

  const auto with = [&](const std::string& other) {
    v1::ManifestEntry changed = entry;
    changed.set_size(static_cast<uint32_t>(other.size()));
    changed.set_digest(Digest::Of(other).bytes());
    return std::string(ParseBundleObject(changed, other).status().message());
  };
  EXPECT_THAT(with(PrettyJson(*ParseJson(json))), HasSubstr("not in canonical form"));
  EXPECT_THAT(with("{"), HasSubstr("json: 1:2"));
  EXPECT_THAT(with(MakeOf({ConfigMap("b", "1")}).blobs[0].json),
              HasSubstr("v1/ConfigMap/web/a: the object says that it is v1/ConfigMap/web/b"));
}

// ---------------------------------------------------------------- deltas

TEST(ManifestDelta, OfOneFieldAmongThousandObjectsIsSmall) {
  std::vector<BundleInput> inputs;
  for (int i = 0; i < 1'000; ++i) inputs.push_back(ConfigMap(absl::StrCat("settings-", i), "x"));
  const Bundle base = MakeOf(inputs);
  inputs[500] = ConfigMap("settings-500", "y");
  const Bundle target = MakeOf(inputs);

  const auto delta = *MakeManifestDelta(base.manifest_bytes, target.manifest_bytes);
  EXPECT_LT(delta.ByteSizeLong(), 200u);
  EXPECT_EQ(*ApplyManifestDelta(base.manifest_bytes, delta), target.manifest_bytes);
}

// Any bundle leads to any other, the empty one included.
TEST(ManifestDelta, LeadsFromAnyBundleToAnyOther) {
  SeededRandom random(20'261);
  std::string base = MakeOf({}).manifest_bytes;
  for (int round = 0; round < 300; ++round) {
    std::vector<BundleInput> inputs;
    const uint64_t size = random.Below(12);
    for (uint64_t i = 0; i < size; ++i) {
      if (random.Below(3) == 0) continue;
      inputs.push_back(ConfigMap(absl::StrCat("n", i), absl::StrCat(random.Below(3)),
                                 random.Below(4) == 0 ? "other" : "web"));
      inputs.back().wave = static_cast<int32_t>(random.Below(2));
    }
    const std::string target = MakeOf(inputs).manifest_bytes;
    const auto delta = MakeManifestDelta(base, target);
    ASSERT_TRUE(delta.ok()) << delta.status();
    const auto rebuilt = ApplyManifestDelta(base, *delta);
    ASSERT_TRUE(rebuilt.ok()) << rebuilt.status();
    ASSERT_EQ(*rebuilt, target) << "round " << round;
    ASSERT_EQ(BundleDigest(*rebuilt).view(), delta->target_digest());
    base = target;
  }
}

TEST(ManifestDelta, RefusesAnotherBase) {
  const Bundle a = MakeOf({ConfigMap("a", "1")});
  const Bundle b = MakeOf({ConfigMap("b", "1")});
  const auto delta = *MakeManifestDelta(a.manifest_bytes, b.manifest_bytes);
  EXPECT_EQ(ApplyManifestDelta(b.manifest_bytes, delta).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ManifestDelta, RefusesWhatDoesNotFit) {
  const Bundle base = MakeOf({ConfigMap("a", "1"), ConfigMap("b", "1")});
  const auto refusal = [&](auto change) {
    v1::ManifestDelta delta;
    delta.set_base_digest(base.digest.bytes());
    change(delta);
    const auto target = ApplyManifestDelta(base.manifest_bytes, delta);
    return target.ok() ? "accepted" : std::string(target.status().message());
  };
  EXPECT_EQ(refusal([](v1::ManifestDelta&) {}), "accepted");
  EXPECT_THAT(refusal([](v1::ManifestDelta& d) { d.add_removed(2); }), HasSubstr("do not fit"));
  EXPECT_THAT(refusal([](v1::ManifestDelta& d) {
                d.add_removed(1);
                d.add_removed(0);
              }),
              HasSubstr("do not fit"));
  EXPECT_THAT(refusal([](v1::ManifestDelta& d) {
                d.add_removed(0);
                d.add_removed(0);
              }),
              HasSubstr("do not fit"));
  EXPECT_THAT(refusal([](v1::ManifestDelta& d) {
                d.add_removed(0);
                *d.add_changed() = Entry("a");
              }),
              HasSubstr("is removed and changed"));
  EXPECT_THAT(refusal([](v1::ManifestDelta& d) {
                *d.add_changed() = Entry("d");
                *d.add_changed() = Entry("c");
              }),
              HasSubstr("out of order"));
  EXPECT_THAT(refusal([](v1::ManifestDelta& d) {
                *d.add_changed() = Entry("c");
                d.mutable_changed(0)->set_name("..");
              }),
              HasSubstr("name '..'"));
}

TEST(ManifestDelta, CannotGrowABundlePastItsLimit) {
  std::vector<BundleInput> inputs;
  for (int i = 0; i < limits::kObjectsPerBundleMax; ++i) {
    inputs.push_back(ConfigMap(absl::StrCat("n", i), "x"));
  }
  const Bundle base = MakeOf(std::move(inputs));
  v1::ManifestDelta delta;
  delta.set_base_digest(base.digest.bytes());
  *delta.add_changed() = Entry("one-more");
  EXPECT_EQ(ApplyManifestDelta(base.manifest_bytes, delta).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace muster

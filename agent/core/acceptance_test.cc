// Refusals: what a push must not be. After each one the cluster, the store and what rules are as
// they were, byte for byte, and the condition names the reason.
#include "agent/core/acceptance.h"

#include <functional>
#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "common/base/limits.h"
#include "gtest/gtest.h"
#include "proto/agent_storage.pb.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

class Acceptance : public testing::Test {
 protected:
  Acceptance() {
    world_.Connect();
    for (int i = 0; i < 5; ++i) first_ = world_.Push({Package("1")});
  }

  pb::DesiredPackage Package(absl::string_view value) {
    return world_.hub.Package("web", {TestObject("a", value), TestObject("b", value)});
  }

  // A next state that would be accepted but for what `alter` does to it.
  pb::Push Altered(const std::function<void(pb::DesiredState&)>& alter) {
    pb::DesiredState state = world_.hub.State({Package("2")}, world_.now);
    alter(state);
    return world_.hub.Sign(state);
  }

  void ExpectRefused(const pb::Push& push, absl::string_view reason) {
    const auto store = world_.store->Durable();
    const auto objects = world_.driver.Objects();
    const auto calls = world_.driver.calls();
    world_.Post(Pushed{push});
    world_.Settle();
    EXPECT_EQ(world_.Condition(world_.observed().conditions(), "Accepted"),
              absl::StrCat("False ", reason));
    EXPECT_EQ(world_.observed().generation(), first_.generation());
    EXPECT_EQ(world_.store->Durable(), store);
    EXPECT_EQ(world_.driver.Objects(), objects);
    EXPECT_EQ(world_.driver.calls().list, calls.list);
    EXPECT_EQ(world_.package("web").sync(), pb::SYNC_STATUS_SYNCED);
  }

  AgentWorld world_;
  pb::DesiredState first_;  // that rules
};

TEST_F(Acceptance, AcceptsTheNextGeneration) {
  world_.Post(Pushed{Altered([](pb::DesiredState&) {})});
  world_.Settle();
  EXPECT_EQ(world_.observed().generation(), first_.generation() + 1);
}

// ---------------------------------------------------------------- signatures

TEST_F(Acceptance, RefusesAnAlteredPayload) {
  pb::Push push = Altered([](pb::DesiredState&) {});
  std::string& payload = *push.mutable_desired_state()->mutable_payload();
  for (const size_t at : {size_t{0}, payload.size() / 2, payload.size() - 1}) {
    pb::Push altered = push;
    (*altered.mutable_desired_state()->mutable_payload())[at] ^= 1;
    ExpectRefused(altered, kReasonBadSignature);
  }
}

TEST_F(Acceptance, RefusesATruncatedPayload) {
  pb::Push push = Altered([](pb::DesiredState&) {});
  push.mutable_desired_state()->mutable_payload()->resize(20);
  ExpectRefused(push, kReasonBadSignature);
  push.mutable_desired_state()->mutable_payload()->clear();
  ExpectRefused(push, kReasonBadSignature);
}

TEST_F(Acceptance, RefusesAnAlteredOrMissingSignature) {
  pb::Push push = Altered([](pb::DesiredState&) {});
  (*push.mutable_desired_state()->mutable_signatures(0)->mutable_signature())[3] ^= 1;
  ExpectRefused(push, kReasonBadSignature);
  push.mutable_desired_state()->clear_signatures();
  ExpectRefused(push, kReasonBadSignature);
}

TEST_F(Acceptance, RefusesAnEnvelopeOfAnotherType) {
  pb::DesiredState state = world_.hub.State({Package("2")}, world_.now);
  const Ed25519Signer signer(Ed25519PrivateKey::FromSeed(std::string(32, 'k')));
  pb::Push push;
  *push.mutable_desired_state() = *signer.Sign(kReceiptType, state.SerializeAsString());
  ExpectRefused(push, kReasonBadSignature);
}

TEST_F(Acceptance, RefusesAnotherSigner) {
  pb::DesiredState state = world_.hub.State({Package("2")}, world_.now);
  const Ed25519Signer signer(Ed25519PrivateKey::FromSeed(std::string(32, 'x')));
  pb::Push push;
  *push.mutable_desired_state() = *signer.Sign(kDesiredStateType, state.SerializeAsString());
  ExpectRefused(push, kReasonBadSignature);
}

TEST_F(Acceptance, RefusesWhatIsSignedButNoDesiredState) {
  const Ed25519Signer signer(Ed25519PrivateKey::FromSeed(std::string(32, 'k')));
  pb::Push push;
  *push.mutable_desired_state() = *signer.Sign(kDesiredStateType, "\xff\xff\xff");
  ExpectRefused(push, kReasonMalformed);
}

TEST_F(Acceptance, RefusesTooMuch) {
  pb::Push push = Altered([](pb::DesiredState& state) {
    state.set_policy_digest(std::string(limits::kDesiredStateBytesMax, 'x'));
  });
  ExpectRefused(push, kReasonTooLarge);
}

TEST_F(Acceptance, TrustsTheKeysThatTheWelcomeBroughtAndNoOthers) {
  const auto key = Ed25519PrivateKey::FromSeed(std::string(32, 'n'));
  world_.Post(Welcomed{.verifier = std::make_shared<Ed25519Verifier>(
                           std::vector<Ed25519PublicKey>{key.public_key()}, 1)});
  world_.Settle();
  ExpectRefused(Altered([](pb::DesiredState&) {}), kReasonBadSignature);
  pb::DesiredState state = world_.hub.State({Package("2")}, world_.now);
  pb::Push push;
  *push.mutable_desired_state() =
      *Ed25519Signer(key).Sign(kDesiredStateType, state.SerializeAsString());
  world_.Post(Pushed{push});
  world_.Settle();
  EXPECT_EQ(world_.observed().generation(), state.generation());
}

TEST_F(Acceptance, WritesDownTheKeysThatTheWelcomeBroughtOnce) {
  const auto key = Ed25519PrivateKey::FromSeed(std::string(32, 'n'));
  Welcomed event{.welcome = {},
                 .verifier = std::make_shared<Ed25519Verifier>(
                     std::vector<Ed25519PublicKey>{key.public_key()}, 1)};
  event.welcome.add_signer_der("certificate");
  world_.Post(event);
  world_.Settle();
  const absl::StatusOr<std::string> kept = world_.store->Get(kSignersKey);
  ASSERT_TRUE(kept.ok()) << kept.status();
  pb::AgentSignersRecord record;
  ASSERT_TRUE(record.ParseFromString(*kept));
  ASSERT_EQ(record.signer_der_size(), 1);
  EXPECT_EQ(record.signer_der(0), "certificate");
  const int commits = world_.commits;
  world_.Post(event);
  world_.Settle();
  EXPECT_EQ(world_.commits, commits) << "nothing new";
  // Of keys that the root does not vouch for, the link makes no verifier.
  Welcomed foreign{.welcome = {}, .verifier = nullptr};
  foreign.welcome.add_signer_der("forged");
  world_.Post(foreign);
  world_.Settle();
  EXPECT_EQ(*world_.store->Get(kSignersKey), *kept);
}

// ---------------------------------------------------------------- address

TEST_F(Acceptance, RefusesAnotherHubsState) {
  ExpectRefused(Altered([](pb::DesiredState& state) { state.set_hub_id("hub-2"); }),
                kReasonWrongHub);
  ExpectRefused(Altered([](pb::DesiredState& state) { state.clear_hub_id(); }), kReasonWrongHub);
}

TEST_F(Acceptance, RefusesAnotherClustersState) {
  ExpectRefused(Altered([](pb::DesiredState& state) { state.set_cluster_id("cluster-2"); }),
                kReasonWrongCluster);
}

TEST_F(Acceptance, RefusesAStateForAnotherKey) {
  ExpectRefused(Altered([](pb::DesiredState& state) { state.set_cluster_spki("other"); }),
                kReasonWrongKey);
}

TEST_F(Acceptance, RefusesWhatItMustUnderstandAndDoesNot) {
  ExpectRefused(Altered([](pb::DesiredState& state) { state.add_critical("approvals"); }),
                kReasonUnknownCritical);
}

// ---------------------------------------------------------------- generations

TEST_F(Acceptance, RefusesAReplay) {
  // The very bytes of an earlier generation, well signed then as now.
  pb::DesiredState old = first_;
  old.set_generation(first_.generation() - 1);
  ExpectRefused(world_.hub.Sign(old), kReasonOlderGeneration);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);  // it changes nothing to be done
}

TEST_F(Acceptance, RefusesAReplayAfterARestartToo) {
  pb::DesiredState old = first_;
  old.set_generation(first_.generation() - 1);
  world_.Crash();
  world_.Connect();
  world_.Settle();
  ExpectRefused(world_.hub.Sign(old), kReasonOlderGeneration);
}

TEST_F(Acceptance, SoundsTheAlarmWhenTwoStatesShareAGeneration) {
  ExpectRefused(
      Altered([&](pb::DesiredState& state) { state.set_generation(first_.generation()); }),
      kReasonEquivocation);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
}

TEST_F(Acceptance, RefusesAJump) {
  ExpectRefused(Altered([&](pb::DesiredState& state) {
                  state.set_generation(first_.generation() + limits::kGenerationJumpMax + 1);
                }),
                kReasonGenerationJump);
  world_.Post(Pushed{Altered([&](pb::DesiredState& state) {
    state.set_generation(first_.generation() + limits::kGenerationJumpMax);
  })});
  world_.Settle();
  EXPECT_EQ(world_.observed().generation(), first_.generation() + limits::kGenerationJumpMax);
}

TEST_F(Acceptance, RefusesARaisedRecoveryThatTheRootDidNotSign) {
  ExpectRefused(Altered([](pb::DesiredState& state) {
                  state.set_recovery(1);
                  state.set_generation(1);
                }),
                kReasonRecoveryNotAuthorized);
}

TEST_F(Acceptance, RefusesWhatReplacesSomethingNewerThatIsOnItsWay) {
  world_.hub.online = false;
  pb::DesiredState sixth = world_.hub.State({Package("2")}, world_.now);
  pb::DesiredState seventh = world_.hub.State({Package("3")}, world_.now);
  world_.Post(Pushed{world_.hub.Sign(seventh)});
  world_.Settle();
  world_.Post(Pushed{world_.hub.Sign(sixth)});
  world_.Settle();
  world_.hub.online = true;
  world_.Pass(absl::Minutes(1));
  EXPECT_EQ(world_.observed().generation(), seventh.generation());
}

// ---------------------------------------------------------------- time

TEST_F(Acceptance, RefusesWhatHasExpired) {
  ExpectRefused(Altered([&](pb::DesiredState& state) {
                  state.set_not_after_ms(absl::ToUnixMillis(world_.now));
                }),
                kReasonExpired);
  ExpectRefused(Altered([&](pb::DesiredState& state) { state.clear_not_after_ms(); }),
                kReasonExpired);
}

TEST_F(Acceptance, AClockThatWasSetBackMakesNothingValidAgain) {
  pb::Push push = Altered([&](pb::DesiredState& state) {
    state.set_not_after_ms(absl::ToUnixMillis(world_.now - absl::Hours(1)));
  });
  world_.Crash();
  world_.now -= absl::Hours(24 * 365);
  world_.Connect();
  world_.Settle();
  world_.Post(Pushed{push});
  world_.Settle();
  EXPECT_EQ(world_.Condition(world_.observed().conditions(), "Accepted"), "False Expired");
}

TEST_F(Acceptance, WhatRulesGoesOnRulingAfterItHasExpired) {
  world_.now += absl::Hours(24 * 365);
  world_.driver.Delete(TestKey("a"));
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(world_.driver.size(), 2u);
  EXPECT_EQ(world_.package("web").drift_healed(), 1u);
}

// ---------------------------------------------------------------- form

TEST_F(Acceptance, RefusesPackagesOutOfOrderTwiceOrWithoutAName) {
  const auto rename = [](std::vector<std::string> names) {
    return [names](pb::DesiredState& state) {
      const pb::DesiredPackage package = state.packages(0);
      state.clear_packages();
      for (const std::string& name : names) {
        *state.add_packages() = package;
        state.mutable_packages(state.packages_size() - 1)->set_name(name);
      }
    };
  };
  ExpectRefused(Altered(rename({"b", "a"})), kReasonMalformed);
  ExpectRefused(Altered(rename({"a", "a"})), kReasonMalformed);
  for (const std::string name : {"", "..", "a/b", "A", "-a", "a b"}) {
    ExpectRefused(Altered(rename({name})), kReasonMalformed);
  }
}

TEST_F(Acceptance, RefusesANamespaceThatIsNoName) {
  ExpectRefused(
      Altered([](pb::DesiredState& state) { state.mutable_packages(0)->set_namespace_("../etc"); }),
      kReasonMalformed);
}

TEST_F(Acceptance, RefusesADigestThatIsNone) {
  ExpectRefused(Altered([](pb::DesiredState& state) {
                  state.mutable_packages(0)->set_bundle_digest("short");
                }),
                kReasonMalformed);
}

// ---------------------------------------------------------------- manifests

class ManifestAcceptance : public Acceptance {
 protected:
  // Refused after the download: what was downloaded stays in the store, nothing else changes.
  void ExpectRefusedLate(const std::function<void(pb::DesiredPackage&)>& alter) {
    const auto objects = world_.driver.Objects();
    world_.Post(
        Pushed{Altered([&](pb::DesiredState& state) { alter(*state.mutable_packages(0)); })});
    world_.Settle();
    EXPECT_EQ(world_.Condition(world_.observed().conditions(), "Accepted"),
              "False ManifestMismatch");
    EXPECT_EQ(world_.observed().generation(), first_.generation());
    EXPECT_EQ(world_.driver.Objects(), objects);
  }
};

TEST_F(ManifestAcceptance, RefusesASizeOrACountThatLies) {
  ExpectRefusedLate([](pb::DesiredPackage& p) { p.set_manifest_bytes(p.manifest_bytes() + 1); });
  ExpectRefusedLate([](pb::DesiredPackage& p) { p.set_object_count(p.object_count() + 1); });
  ExpectRefusedLate([](pb::DesiredPackage& p) { p.set_object_bytes(p.object_bytes() - 1); });
}

TEST_F(ManifestAcceptance, RefusesAManifestOutOfOrder) {
  const auto bundle =
      MakeBundle({{.object = TestObject("a", "1")}, {.object = TestObject("b", "1")}});
  ASSERT_TRUE(bundle.ok());
  for (const bool twice : {false, true}) {
    pb::Manifest manifest = bundle->manifest;
    if (twice) {
      *manifest.mutable_entries(1) = manifest.entries(0);
    } else {
      manifest.mutable_entries()->SwapElements(0, 1);
    }
    pb::DesiredPackage package;
    package.set_name("web");
    const std::string bytes = manifest.SerializeAsString();
    package.set_manifest_bytes(bytes.size());
    package.set_object_count(2);
    package.set_object_bytes(manifest.entries(0).size() + manifest.entries(1).size());
    EXPECT_TRUE(ExamineManifest(bytes, package).refusal.has_value());
  }
}

TEST_F(ManifestAcceptance, GoesOnWithWhatRuledAfterARefusal) {
  ExpectRefusedLate([](pb::DesiredPackage& p) { p.set_object_count(7); });
  world_.driver.Delete(TestKey("a"));
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(world_.driver.size(), 2u);
  world_.Push({Package("2")});
  EXPECT_EQ(world_.Condition(world_.observed().conditions(), "Accepted"), "True Accepted");
}

}  // namespace
}  // namespace muster::agent

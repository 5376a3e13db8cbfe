// Reflector: keeps a ViewSink true for one view: lists it page by page, then watches from there.
//
// A watch is resumed where it ended; bookmarks keep that place fresh. When the server has forgotten
// the place (410), or says so without reason, the view is listed anew, with backoff. The loop's
// thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/kube/api_catalog.h"
#include "agent/kube/api_client.h"
#include "agent/kube/json_splitter.h"
#include "agent/kube/view.h"
#include "common/base/backoff.h"

namespace muster::agent {

class Reflector {
 public:
  // `settled` is called whenever live() or failure() may have changed. All must outlive it.
  Reflector(ApiClient& client, ViewSink& sink, View view, ApiKind kind,
            std::function<void()> settled);
  ~Reflector();

  // The sink is true for the view, up to what is on its way.
  bool live() const { return live_; }
  // Why it is not live; OK while that is not known yet.
  const absl::Status& failure() const { return failure_; }
  // The failure is what the server said of this view, not that it could not be asked.
  bool answered() const { return answered_; }
  const View& view() const { return view_; }

  // Tries at once, if it waits to try again; then failure() is not known again. Not where the
  // server is in trouble with just this view: it is asked again at its own pace.
  void Hurry();

 private:
  void Continue();
  void List();
  void TakePage(const absl::StatusOr<ApiResponse>& response);
  void Watch();
  void TakeEvent(absl::string_view text);
  void WatchEnded(const absl::StatusOr<ApiResponse>& response);
  void Fail(absl::Status why, bool answered);
  void Later();
  void SetLive(bool live);
  bool KeyOf(const Value& object, ObjectKey& key) const;

  ApiClient& client_;
  ViewSink& sink_;
  const View view_;
  const ApiKind kind_;
  const std::function<void()> settled_;

  bool live_ = false;
  absl::Status failure_;
  bool answered_ = false;
  std::string version_;  // where to watch from; empty: list first
  std::string continue_;
  uint64_t mark_ = 0;
  absl::Time page_deadline_;
  std::unique_ptr<JsonSplitter> splitter_;
  ApiClient::Call watch_ = 0;
  bool heard_ = false;    // the present watch told something
  bool expired_ = false;  // it said 410
  absl::Time watch_began_;
  EventLoop::Timer timer_ = 0;
  Backoff backoff_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace muster::agent

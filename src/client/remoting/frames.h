#pragma once

#include <cstddef>
#include <utility>

#include "base/bytes.h"
#include "net/connection.h"
#include "wire/remoting/frame.h"

namespace oncemq::client {

// Calls `take(frame, bytes)` for each whole frame at the front of `unread`; `bytes` are all of the
// frame. Returns what was used up, for ConnectionHandler::on_bytes. Closes the connection when the
// bytes are not frames, stops when it is closing.
template <class Take>
std::size_t take_frames(net::Connection& connection, Bytes unread, Take take) {
  std::size_t used = 0;
  while (!connection.closing()) {
    const Bytes rest = unread.subspan(used);
    const wire::Cut cut = wire::cut_frame(rest);
    if (cut.state == wire::Cut::State::kBad) {
      connection.close(net::CloseReason::kBadBytes);
      break;
    }
    if (cut.state == wire::Cut::State::kIncomplete) {
      connection.expect(cut.size);
      break;
    }
    take(cut.frame, rest.first(cut.size));
    used += cut.size;
  }
  return used;
}

}  // namespace oncemq::client

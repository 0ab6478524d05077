// A stream of HTTP requests, cut as the connection cuts it.
#include <string>
#include <vector>

#include "base/check.h"
#include "front/http/request.h"

using namespace oncemq;
using State = front::HttpParser::State;

namespace {

// What a stream gives when at most `step` more bytes come with each read.
std::string read_stream(Bytes stream, std::size_t step) {
  front::HttpParser parser;
  std::string seen;
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < stream.size()) {
    end = std::min(stream.size(), end + step);
    for (bool more = true; more && begin < end;) {
      switch (parser.feed(stream.subspan(begin, end - begin))) {
        case State::kIncomplete:
          ONCE_CHECK(end - begin <= front::HttpParser::kHeadMax);
          more = false;
          break;
        case State::kRefused:
          ONCE_CHECK(parser.refusal().status >= 400 && !parser.refusal().reason.empty());
          return seen + "!";
        case State::kComplete: {
          ONCE_CHECK(parser.size() > 0 && parser.size() <= end - begin);
          begin += parser.size();
          const front::HttpRequest request = parser.take();
          ONCE_CHECK(request.target.size() <= front::HttpParser::kTargetMax);
          (void)front::path_segments(request.path());
          (void)front::query_value(request.target, "key");
          seen += request.target + "\n" + request.host + "\n" + request.accept + "\n";
        }
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes stream(reinterpret_cast<const std::byte*>(data), size);
  // However the bytes arrive, they mean the same. (At the bounds of length they may be refused
  // earlier or later, with another status.)
  const std::string whole = read_stream(stream, 1 << 20);
  const std::string cut = read_stream(stream, 7);
  ONCE_CHECK(whole == cut, "a stream means something else when it is cut");
  return 0;
}

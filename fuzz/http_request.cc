// A stream of HTTP requests, cut as the connection cuts it, and what orders say in their bodies.
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "front/http/body_fields.h"
#include "front/http/order_guard.h"
#include "front/http/request.h"

using namespace oncemq;
using State = front::HttpParser::State;

namespace {

// Every kind of member is asked for; whatever is accepted keeps its bounds.
void read_body(std::string_view text) {
  auto body = front::BodyFields::parse(text);
  if (!body) return;
  const auto name = body->text("name");
  ONCE_CHECK(!name || (!name->empty() && name->size() <= front::BodyFields::kTextMax));
  const auto number = body->number("queues", 1, 1024);
  ONCE_CHECK(!number || (*number >= 1 && *number <= 1024));
  (void)body->flag("order");
  const auto ids = body->texts("ids", 64);
  ONCE_CHECK(!ids || (!ids->empty() && ids->size() <= 64));
  const auto pairs = body->pairs("attributes", true, 64);
  ONCE_CHECK(!pairs || pairs->size() <= 64);
  const Status strict = body->finish();
  ONCE_CHECK(strict || !strict.error().message.empty());
  auto again = front::BodyFields::parse(text);
  (void)again->all();
  (void)again->finish();
}

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
          ONCE_CHECK(end - begin <= front::HttpParser::kHeadMax + front::HttpParser::kBodyMax);
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
          ONCE_CHECK(request.body.size() <= front::HttpParser::kBodyMax);
          (void)front::refuse_order(request, true);
          read_body(request.body);
          for (const std::string* part : {&request.target, &request.host, &request.accept,
                                          &request.content_type, &request.origin, &request.body})
            seen += *part + "\n";
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

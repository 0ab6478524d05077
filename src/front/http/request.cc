#include "front/http/request.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace oncemq::front {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> unescape(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(Errc::kBadBytes,
                    "'%' must be followed by two hex digits; the sign itself is written %25");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool is_name(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

constexpr int kStop = -1;

}  // namespace

std::string_view method_name(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "GET";
    case HttpMethod::kHead:
      return "HEAD";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kPut:
      return "PUT";
    case HttpMethod::kDelete:
      return "DELETE";
    case HttpMethod::kOther:
      break;
  }
  return "?";
}

Result<std::vector<std::string>> path_segments(std::string_view path) {
  if (path.empty() || path[0] != '/') return fail(Errc::kBadBytes, "a path begins with '/'");
  std::vector<std::string> segments;
  path.remove_prefix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    auto segment = unescape(path.substr(0, end), false);
    if (!segment) return fail(std::move(segment.error()));
    segments.push_back(std::move(*segment));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

Result<std::string> query_value(std::string_view target, std::string_view name,
                                std::string_view fallback) {
  const std::size_t mark = target.find('?');
  if (mark != std::string_view::npos) {
    std::string_view rest = target.substr(mark + 1);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('&'), rest.size());
      const std::string_view pair = rest.substr(0, end);
      const std::size_t equals = std::min(pair.find('='), pair.size());
      if (pair.substr(0, equals) == name)
        return unescape(pair.substr(std::min(equals + 1, pair.size())), true);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return std::string(fallback);
}

const llhttp_settings_t& HttpParser::callbacks() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_url = &HttpParser::on_url;
    made.on_header_field = &HttpParser::on_field;
    made.on_header_field_complete = &HttpParser::on_field_end;
    made.on_header_value = &HttpParser::on_value;
    made.on_header_value_complete = &HttpParser::on_value_end;
    made.on_headers_complete = &HttpParser::on_headers;
    made.on_body = &HttpParser::on_body;
    made.on_message_complete = &HttpParser::on_complete;
    return made;
  }();
  return settings;
}

HttpParser::HttpParser() {
  llhttp_init(&parser_, HTTP_REQUEST, &callbacks());
  parser_.data = this;
}

int HttpParser::refuse(int status, std::string_view reason) {
  refusal_ = {status, reason};
  return kStop;
}

HttpParser::State HttpParser::refused(int status, std::string_view reason) {
  refuse(status, reason);
  return State::kRefused;
}

int HttpParser::on_url(llhttp_t* parser, const char* at, std::size_t size) {
  HttpParser& me = self(parser);
  if (me.request_.target.size() + size > kTargetMax)
    return me.refuse(414, "the request line is longer than 4096 bytes");
  me.request_.target.append(at, size);
  return 0;
}

int HttpParser::on_field(llhttp_t* parser, const char* at, std::size_t size) {
  self(parser).field_.append(at, size);
  return 0;
}

int HttpParser::once_only(std::size_t& count, std::string_view reason) {
  return ++count > 1 ? refuse(400, reason) : 0;
}

int HttpParser::on_field_end(llhttp_t* parser) {
  HttpParser& me = self(parser);
  if (++me.fields_ > kFieldsMax) return me.refuse(431, "more than 64 header fields");
  me.kind_ = is_name(me.field_, "host")           ? FieldKind::kHost
             : is_name(me.field_, "accept")       ? FieldKind::kAccept
             : is_name(me.field_, "content-type") ? FieldKind::kContentType
             : is_name(me.field_, "origin")       ? FieldKind::kOrigin
                                                  : FieldKind::kOther;
  me.field_.clear();
  switch (me.kind_) {
    case FieldKind::kHost:
      return me.once_only(me.hosts_, "the Host field stands twice");
    case FieldKind::kOrigin:
      return me.once_only(me.origins_, "the Origin field stands twice");
    case FieldKind::kContentType:
      return me.once_only(me.types_, "the Content-Type field stands twice");
    case FieldKind::kAccept:
      // A list may be spread over several fields.
      if (!me.request_.accept.empty()) me.request_.accept += ',';
      return 0;
    case FieldKind::kOther:
      return 0;
  }
  return 0;
}

std::string* HttpParser::value() {
  switch (kind_) {
    case FieldKind::kHost:
      return &request_.host;
    case FieldKind::kAccept:
      return &request_.accept;
    case FieldKind::kContentType:
      return &request_.content_type;
    case FieldKind::kOrigin:
      return &request_.origin;
    case FieldKind::kOther:
      break;
  }
  return nullptr;
}

int HttpParser::on_value(llhttp_t* parser, const char* at, std::size_t size) {
  if (std::string* const into = self(parser).value()) into->append(at, size);
  return 0;
}

int HttpParser::on_value_end(llhttp_t* parser) {
  self(parser).kind_ = FieldKind::kOther;
  return 0;
}

int HttpParser::on_headers(llhttp_t* parser) {
  HttpParser& me = self(parser);
  if (parser->http_major != 1) return me.refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken");
  if (parser->http_minor >= 1 && me.hosts_ == 0) return me.refuse(400, "the Host field is missing");
  switch (parser->method) {
    case HTTP_GET:
      me.request_.method = HttpMethod::kGet;
      break;
    case HTTP_HEAD:
      me.request_.method = HttpMethod::kHead;
      break;
    case HTTP_POST:
      me.request_.method = HttpMethod::kPost;
      break;
    case HTTP_PUT:
      me.request_.method = HttpMethod::kPut;
      break;
    case HTTP_DELETE:
      me.request_.method = HttpMethod::kDelete;
      break;
    default:
      me.request_.method = HttpMethod::kOther;
  }
  if ((parser->flags & F_CHUNKED) != 0 || (parser->flags & F_TRANSFER_ENCODING) != 0)
    return me.refuse(411, "a body has its length in Content-Length here");
  const bool takes_body = me.request_.method == HttpMethod::kPost ||
                          me.request_.method == HttpMethod::kPut ||
                          me.request_.method == HttpMethod::kDelete;
  if (!takes_body && parser->content_length > 0)
    return me.refuse(413, "a request that reads has no body");
  if (parser->content_length > kBodyMax)
    return me.refuse(413, "the body is longer than 65536 bytes");
  me.request_.keep_alive = llhttp_should_keep_alive(parser) != 0;
  return 0;
}

int HttpParser::on_body(llhttp_t* parser, const char* at, std::size_t size) {
  self(parser).request_.body.append(at, size);
  return 0;
}

int HttpParser::on_complete(llhttp_t* parser) {
  self(parser).complete_ = true;
  return HPE_PAUSED;
}

HttpParser::State HttpParser::feed(Bytes unread) {
  ONCE_CHECK(unread.size() >= fed_, "the request is given again with more");
  const std::string_view fresh = as_text(unread.subspan(fed_));
  const llhttp_errno_t outcome = llhttp_execute(&parser_, fresh.data(), fresh.size());
  if (complete_) {
    size_ = fed_ + static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - fresh.data());
    if (size_ - request_.body.size() > kHeadMax)
      return refused(431, "the header is longer than 8192 bytes");
    return State::kComplete;
  }
  if (outcome != HPE_OK) {
    // Ours has its own words; theirs is a mistake of the sender's.
    if (refusal_.reason.empty()) refusal_ = {400, "this is not an HTTP request"};
    return State::kRefused;
  }
  fed_ = unread.size();
  if (fed_ - request_.body.size() > kHeadMax)
    return refused(431, "the header is longer than 8192 bytes");
  return State::kIncomplete;
}

HttpRequest HttpParser::take() {
  ONCE_CHECK(complete_, "take() follows kComplete");
  HttpRequest request = std::exchange(request_, {});
  llhttp_reset(&parser_);
  parser_.data = this;
  field_.clear();
  kind_ = FieldKind::kOther;
  fields_ = hosts_ = origins_ = types_ = fed_ = size_ = 0;
  complete_ = false;
  return request;
}

}  // namespace oncemq::front

#include "tests/once/world.h"

#include <cstdio>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "once/connection.h"

namespace oncemq::once {
namespace {

class SqliteWorld final : public World {
 public:
  SqliteWorld() {
    std::string folder = "/tmp/once-test-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    url_ = "sqlite:" + folder_ + "/ledger.db";
    run("PRAGMA journal_mode = WAL");
  }
  ~SqliteWorld() override { std::filesystem::remove_all(folder_); }

 private:
  std::string folder_;
};

// A helper of tests/support prints the URL. It ends what it started when its standard input ends,
// however this process does.
class PostgresqlWorld final : public World {
 public:
  explicit PostgresqlWorld(const std::string& helper) {
    const std::string command = "python3 " ONCEMQ_SOURCE_DIR "/tests/support/" + helper;
    int to_helper[2];
    int from_helper[2];
    EXPECT_EQ(::pipe2(to_helper, O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(from_helper, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(to_helper[0], STDIN_FILENO);
      ::dup2(from_helper[1], STDOUT_FILENO);
      ::execlp("sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(to_helper[0]);
    ::close(from_helper[1]);
    input_ = to_helper[1];
    char c = 0;
    while (::read(from_helper[0], &c, 1) == 1 && c != '\n') url_ += c;
    ::close(from_helper[0]);
    EXPECT_TRUE(url_.starts_with("postgresql:")) << "the server did not start";
  }
  ~PostgresqlWorld() override {
    ::close(input_);
    int status = 0;
    ::waitpid(child_, &status, 0);
  }

 private:
  pid_t child_ = -1;
  int input_ = -1;
};

std::unique_ptr<Connection> connect(const std::string& url) {
  auto connection = Connection::open(*parse_url(url));
  EXPECT_TRUE(connection) << connection.error().message;
  return std::move(*connection);
}

}  // namespace

std::unique_ptr<World> World::sqlite() {
  return std::make_unique<SqliteWorld>();
}

std::unique_ptr<World> World::postgresql(const std::string& settings) {
  return std::make_unique<PostgresqlWorld>("postgres.py " + settings);
}

std::unique_ptr<World> World::postgresql_standby() {
  return std::make_unique<PostgresqlWorld>("postgres.py --standby");
}

std::unique_ptr<World> World::losing_a_commit() const {
  return std::make_unique<PostgresqlWorld>("lost_commit.py '" + url_ + "'");
}

void World::run(const std::string& statement) {
  const auto done = connect(url_)->run(statement);
  EXPECT_TRUE(done) << statement << ": " << done.error().message;
}

std::string World::value(const std::string& query) {
  const auto found = connect(url_)->value(query);
  EXPECT_TRUE(found) << query << ": " << found.error().message;
  return found.value_or("");
}

}  // namespace oncemq::once

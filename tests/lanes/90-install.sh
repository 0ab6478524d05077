#!/usr/bin/env bash
# lane: cmake --install and the .deb: contents, unit, a start and stop from what was unpacked, programs built against the client library
# needs: package
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/setup.sh

configure release
build release oncemq oncemq_sdk
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

need() { [[ -e "$1" ]] || die "missing: $1"; }

echo "== cmake --install"
cmake --install build/release --prefix "$work/prefix" --strip >/dev/null
for file in bin/oncemq libexec/oncemq/oncemq-once libexec/oncemq/oncemq-outbox etc/oncemq/broker.conf lib/systemd/system/oncemq.service \
  share/doc/oncemq/LICENSE share/doc/oncemq/README.md share/man/man1/oncemq.1; do
  need "$work/prefix/$file"
done
grep -q "ExecStart=$work/prefix/bin/oncemq serve -c $work/prefix/etc/oncemq/broker.conf" \
  "$work/prefix/lib/systemd/system/oncemq.service"
"$work/prefix/bin/oncemq" once init "sqlite:$work/once.db" | grep -q 'version 1 in oncemq_once' ||
  die "the second program is not found where it was installed"
"$work/prefix/bin/oncemq" outbox init "sqlite:$work/outbox.db" >/dev/null
"$work/prefix/bin/oncemq" outbox status "sqlite:$work/outbox.db" | grep -q '^waiting  *0$' ||
  die "the outbox's program is not found where it was installed"

echo "== the manual knows every command and every option of serve"
{
  "$work/prefix/bin/oncemq" --help | sed -n '/^Subcommands:/,$s/^  \([a-z]\+\) .*/\1/p'
  "$work/prefix/bin/oncemq" serve --help | grep -oE -- '--[a-z-]+' | grep -v -- --help
} | sort -u | while read -r word; do
  tr -d '\\' <"$work/prefix/share/man/man1/oncemq.1" | grep -q -- "$word" ||
    die "docs/oncemq.1 does not mention $word"
done

echo "== .deb"
(cd build/release && cpack -G DEB -B "$work/deb" >/dev/null)
deb=$(echo "$work"/deb/oncemq_*.deb)
once_deb=$(echo "$work"/deb/oncemq-once_*.deb)
outbox_deb=$(echo "$work"/deb/oncemq-outbox_*.deb)
dpkg-deb --info "$deb" | tee "$work/info"
grep -q '^ Depends: .*libc6 ' "$work/info" || die "no dependencies were found"
grep -q ' conffiles ' "$work/info" || die "conffiles are missing"
if grep -E '^ Depends: .*(soci|libpq|sqlite)' "$work/info"; then die "the server wants a database's library"; fi
dpkg-deb -x "$deb" "$work/root"
[[ ! -e "$work/root/usr/libexec" ]] || die "the server's package has what only the others should"
for file in usr/bin/oncemq etc/oncemq/broker.conf usr/lib/systemd/system/oncemq.service; do
  need "$work/root/$file"
done
grep -q '^ExecStart=/usr/bin/oncemq serve -c /etc/oncemq/broker.conf' \
  "$work/root/usr/lib/systemd/system/oncemq.service"
if command -v systemd-analyze >/dev/null; then
  # It wants the files of the unit where they will be: look at it as if the package were installed.
  sed "s#/usr/bin/oncemq#$work/root/usr/bin/oncemq#" \
    "$work/root/usr/lib/systemd/system/oncemq.service" >"$work/oncemq.service"
  systemd-analyze verify --man=no "$work/oncemq.service"
fi

echo "== the commands for databases are packages of their own"
dpkg-deb --info "$once_deb" | tee "$work/once-info"
grep -q '^ Depends: .*libsoci-core' "$work/once-info" || die "oncemq-once does not ask for SOCI"
dpkg-deb -x "$once_deb" "$work/once-root"
need "$work/once-root/usr/libexec/oncemq/oncemq-once"
[[ $(find "$work/once-root" -type f | wc -l) == 1 ]] || die "oncemq-once has more than its program"
"$work/root/usr/bin/oncemq" once status "sqlite:$work/once.db" 2>"$work/absent" && die "runs without it"
grep -q 'install the Debian package oncemq-once' "$work/absent"
cp -r "$work/once-root/usr" "$work/root"
"$work/root/usr/bin/oncemq" once status "sqlite:$work/once.db" >/dev/null
dpkg-deb --info "$outbox_deb" | tee "$work/outbox-info"
grep -q '^ Depends: .*libsoci-core' "$work/outbox-info" || die "oncemq-outbox does not ask for SOCI"
dpkg-deb -x "$outbox_deb" "$work/outbox-root"
need "$work/outbox-root/usr/libexec/oncemq/oncemq-outbox"
[[ $(find "$work/outbox-root" -type f | wc -l) == 1 ]] || die "oncemq-outbox has more than its program"
cp -r "$work/outbox-root/usr" "$work/root"
"$work/root/usr/bin/oncemq" outbox status "sqlite:$work/outbox.db" >/dev/null

echo "== start and stop from the package"
start_server "$work/root/usr/bin/oncemq" "$work" -c "$work/root/etc/oncemq/broker.conf"
grep '^ready in' "$work/out"

echo "== a program built against the installed client library"
build_examples "$work/sdk"
flags=$(PKG_CONFIG_PATH="$work/sdk/prefix/lib/pkgconfig" pkg-config --cflags --libs oncemq)
# shellcheck disable=SC2086  # flags are words
g++-12 -std=c++20 examples/sdk/produce.cc -o "$work/sdk/produce" $flags
for program in "$work/sdk/examples/produce" "$work/sdk/produce"; do
  "$program" "127.0.0.1:$namesrv_port" sdk | tee "$work/sent"
  # Three each of sync, chosen and async, a batch, the last one.
  [[ $(grep -cE '^[a-z]+ [0-9A-F,]+ queue [0-9]+ offset [0-9]+$' "$work/sent") == 11 ]] ||
    die "$program did not send everything"
done
# Both programs' messages, the one-way ones among them.
"$work/sdk/examples/consume" "127.0.0.1:$namesrv_port" sdk sdk-group 28 | tee "$work/consumed"
[[ $(grep -cE '^queue [0-9]+ offset [0-9]+ attempt 1: [a-z-]+( [0-9])?$' "$work/consumed") == 28 ]] ||
  die "consume did not get everything"

echo "== effects that happen once, with the installed library"
g++-12 -std=c++20 examples/sdk/book.cc -o "$work/sdk/book" \
  $(PKG_CONFIG_PATH="$work/sdk/prefix/lib/pkgconfig" pkg-config --cflags --libs oncemq-once)
for program in "$work/sdk/examples/book" "$work/sdk/book"; do
  "$program" "sqlite:$program.db" a b a | tee "$work/booked"
  [[ $(grep -c ' booked $' "$work/booked") == 2 ]] || die "$program did not book two"
  [[ $("$program" "sqlite:$program.db" b a | grep -c ' booked before ') == 2 ]] || die "booked twice"
done

echo "== a broker inside a program, with the installed library"
g++-12 -std=c++20 examples/sdk/embedded.cc -o "$work/sdk/embedded" \
  $(PKG_CONFIG_PATH="$work/sdk/prefix/lib/pkgconfig" pkg-config --cflags --libs oncemq-embedded)
for program in "$work/sdk/examples/embedded" "$work/sdk/embedded"; do
  [[ $("$program") == "answers lost: 1, orders seen: ab" ]] || die "$program: not once"
done

echo "== serving loads no database's library"
if grep -E 'lib(pq|sqlite3|mariadb|soci_[a-z]*(sql|odbc|firebird))' "/proc/$server_pid/maps"; then
  die "the broker loaded them"
fi
stop_server
echo "summary: installed, packed ($(du -k "$deb" | cut -f1) KiB), started and stopped"

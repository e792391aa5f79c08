#!/usr/bin/env bash
# How files come into a folder: one function for each way that programs have.
#
#   writers.sh --list                      prints the names, "real NAME" or "imitation NAME"
#   writers.sh NAME SOURCE TARGET SCRATCH  makes TARGET with the bytes of SOURCE (or of its own), as NAME does it
#
# SCRATCH is an empty folder on TARGET's file system that nobody watches. Ends with 77 where the program is not installed:
# vsftpd and smbd are never installed for the tests, since Debian would start them as services.
# Pauses are shorter than the second for which the watched folder wants a file to be quiet, unless the writer holds it open.
set -euo pipefail
PATH=$PATH:/usr/sbin  # vsftpd and smbd

pause() { sleep 0.3; }
long_pause() { sleep 1.5; }
need() { command -v "$1" >/dev/null || exit 77; }
# SOURCE in four parts, one after the other: part N.
part() {
  local size quarter
  size=$(stat -c %s "$source_file")
  quarter=$(((size + 3) / 4))
  dd if="$source_file" bs="$quarter" skip=$(($1 - 1)) count=1 status=none
}

real_cp() { cp "$source_file" "$target"; }
real_cp_preserved() { touch -d '2001-02-03 04:05:06' "$source_file" && cp -p "$source_file" "$target"; }
real_cp_sparse() { cp --sparse=always "$source_file" "$target"; }
real_cp_over_older() { head -c 100 "$source_file" >"$target" && pause && cp "$source_file" "$target"; }
real_mv_same_disk() { cp "$source_file" "$scratch/staged" && mv "$scratch/staged" "$target"; }
real_mv_other_disk() {
  local away
  away=$(mktemp /dev/shm/zoo.XXXXXX)
  cp "$source_file" "$away" && mv "$away" "$target"
}
real_install() { install -m 0644 "$source_file" "$target"; }
real_ln() { cp "$source_file" "$scratch/kept" && ln "$scratch/kept" "$target"; }
real_ln_then_rename() { cp "$source_file" "$target.part" && ln "$target.part" "$scratch/link" && mv "$target.part" "$target"; }
real_rsync() { need rsync && rsync "$source_file" "$target"; }
real_rsync_times() { need rsync && touch -d '2010-01-01' "$source_file" && rsync -t "$source_file" "$target"; }
real_rsync_inplace() { need rsync && rsync --inplace "$source_file" "$target"; }
real_rsync_throttled() { need rsync && rsync --bwlimit=100 "$source_file" "$target"; }
real_rsync_append() { need rsync && part 1 >"$target" && pause && rsync --append "$source_file" "$target"; }
real_dd_with_pauses() {
  for n in 1 2 3 4; do
    part $n | dd of="$target" oflag=append conv=notrunc status=none
    pause
  done
}
real_dd_slow_and_open() { for n in 1 2 3 4; do part $n && long_pause; done | dd of="$target" bs=4k status=none; }
real_fallocate_then_fill() {
  need fallocate
  exec 8<>"$target"
  fallocate -l "$(stat -c %s "$source_file")" "$target"
  long_pause
  dd if="$source_file" of="$target" conv=notrunc status=none
  exec 8>&-
}
real_tar() { tar -C "$(dirname "$source_file")" -cf - "$(basename "$source_file")" |
  tar -C "$scratch" -xf - && mv "$scratch/$(basename "$source_file")" "$target"; }
real_tar_into_place() {
  cp "$source_file" "$scratch/$(basename "$target")"
  tar -C "$scratch" -cf - "$(basename "$target")" | tar -C "$(dirname "$target")" -xf -
}
real_camera_card() {  # a card is copied as it is, folders first
  mkdir -p "$scratch/DCIM/100CANON" && cp "$source_file" "$scratch/DCIM/100CANON/$(basename "$target")"
  cp -r "$scratch/DCIM" "$(dirname "$target")/card-$(basename "$target" .mp4)"
}
real_folder_moved_in() {
  mkdir -p "$scratch/day" && cp "$source_file" "$scratch/day/$(basename "$target")"
  mv "$scratch/day" "$(dirname "$target")/day-$(basename "$target" .mp4)"
}
real_curl() { need curl && curl --silent --limit-rate 200k -o "$target" "file://$source_file"; }
real_ffmpeg_live() {
  need ffmpeg
  ffmpeg -nostdin -loglevel error -re -f lavfi -i testsrc=size=64x48:rate=10 -t 2 -c:v mpeg4 \
    -metadata title="$target" "$target"  # no two have the same bytes
}
real_sftp() {
  need sftp
  [[ -x /usr/lib/openssh/sftp-server ]] || exit 77
  printf 'put %s %s\n' "$source_file" "$target" | sftp -q -b - -D /usr/lib/openssh/sftp-server >/dev/null
}
real_sftp_then_rename() {
  need sftp
  [[ -x /usr/lib/openssh/sftp-server ]] || exit 77
  printf 'put %s %s.filepart\nrename %s.filepart %s\n' "$source_file" "$target" "$target" "$target" |
    sftp -q -b - -D /usr/lib/openssh/sftp-server >/dev/null
}
# serve_and SERVER PUT: a server on loopback for one file, ended by its pid. Whether a port is free shows when it listens.
serve_and() {
  local port server tries
  for tries in 1 2 3 4 5 6 7 8; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    "$1" "$port" &
    server=$!
    for _ in {1..100}; do
      kill -0 $server 2>/dev/null || break
      if (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        "$2" "$port" && kill $server && { wait $server || true; }
        return
      fi
      sleep 0.05
    done
    kill $server 2>/dev/null || true
  done
  return 1
}
vsftpd_on() {
  mkdir -p "$scratch/empty"
  printf '%s\n' listen=YES listen_address=127.0.0.1 "listen_port=$1" background=NO run_as_launching_user=YES \
    anonymous_enable=YES no_anon_password=YES anon_root="$(dirname "$target")" allow_writeable_chroot=YES write_enable=YES \
    anon_upload_enable=YES anon_other_write_enable=YES anon_umask=022 seccomp_sandbox=NO isolate=NO isolate_network=NO \
    secure_chroot_dir="$scratch/empty" xferlog_enable=NO >"$scratch/vsftpd.conf"
  exec vsftpd "$scratch/vsftpd.conf"
}
put_by_ftp() { curl --silent --show-error --limit-rate 200k -T "$source_file" "ftp://127.0.0.1:$1/$(basename "$target")"; }
real_vsftpd() { need vsftpd && serve_and vsftpd_on put_by_ftp; }
smbd_on() {
  mkdir -p "$scratch/samba"
  printf '%s\n' '[global]' 'server role = standalone server' 'map to guest = Bad User' 'guest account = root' \
    'bind interfaces only = yes' 'interfaces = lo' 'disable netbios = yes' "smb ports = $1" 'load printers = no' \
    'printcap name = /dev/null' 'disable spoolss = yes' 'log level = 0' "private dir = $scratch/samba" "lock directory = $scratch/samba" \
    "state directory = $scratch/samba" "cache directory = $scratch/samba" "pid directory = $scratch/samba" "ncalrpc dir = $scratch/samba/ncalrpc" \
    '[drop]' "path = $(dirname "$target")" 'guest ok = yes' 'read only = no' >"$scratch/smb.conf"
  exec smbd --foreground --configfile="$scratch/smb.conf" -l "$scratch/samba" >/dev/null 2>&1
}
put_by_smb() { smbclient "//127.0.0.1/drop" -p "$1" -N -c "put $source_file $(basename "$target")" >/dev/null 2>&1; }
real_smbd() { need smbd && need smbclient && serve_and smbd_on put_by_smb; }
imitation_browser() { cp "$source_file" "$target.crdownload" && pause && mv "$target.crdownload" "$target"; }
imitation_temporary_dot_name() {
  local hidden
  hidden="$(dirname "$target")/.$(basename "$target").Xy12ab"
  cp "$source_file" "$hidden" && pause && mv "$hidden" "$target"
}
imitation_reopened() {  # closed, and opened again a moment later
  part 1 >"$target" && pause && part 2 >>"$target" && pause && part 3 >>"$target" && part 4 >>"$target"
}
imitation_mmap() {
  need python3
  python3 - "$source_file" "$target" <<'PY'
import mmap, sys, time
data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w+b") as file:
    file.truncate(len(data))
    with mmap.mmap(file.fileno(), len(data)) as view:
        for at in range(0, len(data), 65536):
            view[at:at + 65536] = data[at:at + 65536]
            time.sleep(0.4)
        view.flush()
PY
}
imitation_smb_client() {  # an empty file first, its bytes some moments later, its time last
  : >"$target"
  pause
  cat "$source_file" >"$target"
  touch -d '2015-05-05' "$target"
}
imitation_truncate_and_rewrite() { cp "$source_file" "$target" && pause && : >"$target" && cat "$source_file" >"$target"; }
imitation_delete_and_write_again() { head -c 50 "$source_file" >"$target" && pause && rm "$target" && cp "$source_file" "$target"; }
imitation_renamed_twice() { cp "$source_file" "$target.tmp" && mv "$target.tmp" "$target.part" && mv "$target.part" "$target"; }
imitation_chmod_after() { (umask 077 && cp "$source_file" "$target") && pause && chmod 0644 "$target"; }

if [[ "${1:-}" == --list ]]; then
  declare -F | sed -n 's/^declare -f \(real\|imitation\)_\(.*\)$/\1 \2/p'
  exit 0
fi
name=$1 source_file=$2 target=$3 scratch=$4
for kind in real imitation; do
  if declare -F "${kind}_$name" >/dev/null; then
    "${kind}_$name"
    exit 0
  fi
done
echo "writers.sh: there is no $name" >&2
exit 2

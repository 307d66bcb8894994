#!/bin/bash
# A 64-bit Debian of Raspberry Pi OS's release under qemu, with the processor of a Raspberry Pi 4 or 5 presented to it.
#
#   emulated_pi.sh setup                           build it, in $PI_ROOT (default ~/.cache/dcn_tf/pi); does what is missing
#   emulated_pi.sh run a72|a76 COMMAND...          run a command in it; $PI_HOME, a folder of this machine, is /home/pi
#   emulated_pi.sh count a72|a76 PYTHON_ENVIRONMENT ARGUMENT...
#                                                  Python of an environment of it, such as home/pi/dcn, on ARGUMENT...;
#                                                  the last line of stderr says how many instructions were executed
#
# $PI_SUITE is the release: bookworm (default) or trixie. a72 is a Raspberry Pi 4, a76 a Raspberry Pi 5. Needs root. Times in it
# mean nothing; answers and counts of instructions do. Exit status: 2 where something is missing, else that of the command.
set -euo pipefail

SUITE=${PI_SUITE:-bookworm}
PI_ROOT=${PI_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/dcn_tf/pi}/$SUITE
ROOT=$PI_ROOT/root  # the emulated machine's files
QEMU=$PI_ROOT/qemu  # the qemu that takes plugins
HERE=$(dirname "$(readlink -f "$0")")

fail() {
  echo "error: $*" >&2
  exit 2
}

usage() {
  sed -n '/^#   /s/^# *//p' "$0" >&2
  exit 2
}

# The processor as XNNPACK's and NumPy's detection sees it: /proc/cpuinfo of the boards.
cpuinfo() {
  local part variant revision features model
  case $1 in
    a72)
      part=0xd08 variant=0x0 revision=3 model='Raspberry Pi 4 Model B Rev 1.4'
      features='fp asimd evtstrm crc32 cpuid'
      ;;
    a76)
      part=0xd0b variant=0x4 revision=1 model='Raspberry Pi 5 Model B Rev 1.0'
      features='fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp'
      ;;
    *) fail "the core must be a72 or a76, received $1" ;;
  esac
  for core in 0 1 2 3; do
    printf 'processor\t: %s\nBogoMIPS\t: 108.00\nFeatures\t: %s\n' "$core" "$features"
    printf 'CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: %s\n' "$variant"
    printf 'CPU part\t: %s\nCPU revision\t: %s\n\n' "$part" "$revision"
  done
  printf 'Model\t\t: %s\n' "$model"
}

install_tools() {
  local missing=()
  for package in qemu-user-static binfmt-support debootstrap gcc; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' $package 2> /dev/null)" = installed ] || missing+=($package)
  done
  [ ${#missing[@]} = 0 ] && return
  echo "installing ${missing[*]}"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}") \
    > /dev/null || fail "apt-get could not install ${missing[*]}; install them by hand"
}

# Lets the kernel start ARM programs by qemu.
register() {
  local entries=/proc/sys/fs/binfmt_misc
  mountpoint -q $entries || mount -t binfmt_misc binfmt_misc $entries || fail 'the kernel has no binfmt_misc'
  [ -e $entries/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64 || fail 'qemu-aarch64 cannot be registered'
}

bootstrap() {
  [ -e "$ROOT/usr/include/$(readlink "$ROOT/usr/bin/python3")/Python.h" ] && return
  echo "building $SUITE for arm64 in $ROOT"
  local partial=$PI_ROOT/partial
  rm -rf "$partial" "$ROOT"  # one that was made without a compiler, too
  local packages=python3,python3-venv,python3-pip,python3-dev,gcc,libc6-dev
  debootstrap --arch=arm64 --variant=minbase --include=$packages "$SUITE" "$partial" \
    > "$PI_ROOT/debootstrap.log" 2>&1 || fail "debootstrap failed: see $PI_ROOT/debootstrap.log, and try again"
  # The emulated user is root already.
  printf '#!/bin/sh\nexec "$@"\n' > "$partial/usr/local/bin/sudo"
  chmod +x "$partial/usr/local/bin/sudo"
  mkdir -p "$partial/home/pi" "$partial/var/cache/pip"
  mv "$partial" "$ROOT"
}

# Debian's static qemu takes no plugins, and its dynamic one must not replace it: it is only unpacked.
plugin_qemu() {
  if [ ! -x "$QEMU/usr/bin/qemu-aarch64" ]; then
    echo 'unpacking the qemu that counts instructions'
    mkdir -p "$QEMU"
    (cd "$QEMU" && apt-get download -qq -o APT::Sandbox::User=root qemu-user libcapstone4 liburing2 &&
      for package in *.deb; do dpkg -x "$package" .; done) || fail 'apt-get could not fetch qemu-user'
  fi
  local library=$QEMU/libinstructions.so
  # Put in place whole: another count may be using the one before.
  [ "$library" -nt "$HERE/instructions.c" ] ||
    { gcc -O2 -Wall -shared -fPIC -o "$library.new" "$HERE/instructions.c" && mv "$library.new" "$library"; }
}

setup() {
  mkdir -p "$PI_ROOT"
  install_tools
  register
  bootstrap
  plugin_qemu
  for core in a72 a76; do cpuinfo $core > "$ROOT/etc/cpuinfo.$core"; done
}

check_ready() {
  [ -e "$ROOT/etc/cpuinfo.a76" ] || fail "there is no emulated machine in $ROOT; run $0 setup"
  [ -e "$ROOT/etc/cpuinfo.$1" ] || fail "the core must be a72 or a76, received $1"
  register
}

# A /sys that says there are four cores; without it, and the cpuinfo, XNNPACK falls back on slow kernels silently.
FAKE_SYS='
fake_sys() {
  mount -t tmpfs none "$1"
  mkdir -p "$1/devices/system/cpu"
  echo 0-3 | tee "$1/devices/system/cpu/possible" > "$1/devices/system/cpu/present"
}'

run() {
  [ $# -ge 2 ] || usage
  local core=$1
  shift
  check_ready "$core"
  mkdir -p "${PI_HOME:=$PI_ROOT/home}"
  # Private mounts, which end with the command.
  unshare --mount bash -c "$FAKE_SYS"'
    root=$1 core=$2 home=$3
    shift 3
    fake_sys "$root/sys"
    mount -t tmpfs none "$root/proc"
    cp "$root/etc/cpuinfo.$core" "$root/proc/cpuinfo"
    mkdir "$root/proc/self"
    : > "$root/proc/self/maps"
    mount --bind "$home" "$root/home/pi"
    settings=()
    for file in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
      [ -e "$file" ] || continue
      mkdir -p "$root${file%/*}"
      : >> "$root$file"
      mount --bind "$file" "$root$file"
      [[ $file != *.crt ]] || settings+=(PIP_CERT="$file")
    done
    for name in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_DEFAULT_TIMEOUT; do
      [ -z "${!name:-}" ] || settings+=("$name=${!name}")
    done
    exec env -i HOME=/home/pi PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8 QEMU_CPU="cortex-$core" \
      PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 "${settings[@]}" \
      /usr/sbin/chroot "$root" /bin/sh -c "cd && exec \"\$@\"" - "$@"
  ' - "$ROOT" "$core" "$PI_HOME" "$@"
}

count() {
  [ $# -ge 3 ] || usage
  local core=$1 environment=$2
  shift 2
  check_ready "$core"
  # Not in a chroot: the qemu is this machine's, and so are the paths in ARGUMENT.
  environment=$(echo "$environment"/lib/python3.*/site-packages)
  [ -d "$environment" ] || fail "no Python environment: ${environment%/lib/*}"
  unshare --mount bash -c "$FAKE_SYS"'
    root=$1 qemu=$2 core=$3 packages=$4
    shift 4
    fake_sys /sys
    mount --bind "$root/etc/cpuinfo.$core" /proc/cpuinfo
    export LD_LIBRARY_PATH=$qemu/usr/lib/x86_64-linux-gnu
    exec "$qemu/usr/bin/qemu-aarch64" -cpu "cortex-$core" -plugin "$qemu/libinstructions.so" -L "$root" \
      -U LD_LIBRARY_PATH -E PYTHONHASHSEED=0 -E PYTHONHOME="$root/usr" -E PYTHONPATH="$packages" \
      "$(readlink -f "$root/usr/bin/python3")" -B "$@"
  ' - "$ROOT" "$QEMU" "$core" "$environment" "$@"
}

case ${1:-} in
  setup | run | count)
    [ "$(id -u)" = 0 ] || fail 'the emulated Raspberry Pi needs root (chroot and private mounts); run it as root or with sudo'
    "$@"
    ;;
  *) usage ;;
esac

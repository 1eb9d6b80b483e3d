# What script/server and script/test share: Python and the pinned packages.

die() {
  echo "$*" >&2
  exit 1
}

# apt_install PACKAGE...: only as root on a machine with apt.
apt_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing $*"
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } >/dev/null 2>&1
}

# mysqlclient has no wheels: it compiles against a client library.
can_build_mysqlclient() { pkg-config --exists libmariadb 2>/dev/null || pkg-config --exists mysqlclient 2>/dev/null; }

# install FILE: make .venv and install the packages of a requirements file, when they changed since the last time.
install() {
  local python wanted packages
  for python in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break || python=''
  done
  [ -n "$python" ] || die "Python 3.11 or newer is needed: install it, or name it in PYTHON."
  can_build_mysqlclient || apt_install libmariadb-dev pkg-config gcc libc6-dev python3-dev || true
  can_build_mysqlclient && packages=all || packages=without-mysqlclient
  wanted="$packages $(cat requirements*.txt | cksum)"
  [ "$(cat ".venv/$1.installed" 2>/dev/null)" != "$wanted" ] || return 0
  "$python" -m venv .venv 2>/dev/null || { apt_install python3-venv && "$python" -m venv .venv; } ||
    die "Python's venv module is needed (Debian: apt install python3-venv)."
  echo "Installing Python packages"
  if [ $packages = all ]; then
    .venv/bin/python -m pip install -qq --disable-pip-version-check -r "$1"
  else
    echo "Without MySQL, which needs libmariadb-dev, pkg-config, gcc and python3-dev (Debian: apt install); SQLite works." >&2
    grep -hvE '^(mysqlclient|-r)' requirements.txt "$1" | sort -u >.venv/packages
    .venv/bin/python -m pip install -qq --disable-pip-version-check -r .venv/packages
  fi || die "The Python packages could not be installed; see above."
  echo "$wanted" >".venv/$1.installed"
}

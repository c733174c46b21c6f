# One image for every service and for the command; what a container does is the words after `backoffice`.
# The first stage installs, the second takes over what runs: no pip cache, no build tools, no JDK.

FROM python:3.13-slim AS build

RUN apt-get update && apt-get install --quiet --yes --no-install-recommends binutils
WORKDIR /opt/backoffice
COPY requirements/runtime.txt /tmp/
# Most of some wheels is debugging symbols, which strip takes away.
RUN python -m venv --without-pip . \
 && python -m pip --python bin/python --disable-pip-version-check install --quiet \
        --no-cache-dir --no-compile --only-binary :all: --require-hashes --requirement /tmp/runtime.txt \
 && find lib -name '*.so' -exec strip --strip-unneeded {} + \
 && printf '#!/bin/sh\nexec /opt/backoffice/bin/python -m backoffice "$@"\n' > bin/backoffice \
 && chmod +x bin/backoffice

COPY audit app/audit
COPY backoffice app/backoffice
COPY services app/services
COPY shared app/shared
# Whatever umask the checkout was made with, the image's user can read it.
RUN chmod -R u=rwX,go=rX app


FROM python:3.13-slim

RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin backoffice
COPY --from=build /opt/backoffice /opt/backoffice
ENV PATH=/opt/backoffice/bin:$PATH \
    PYTHONPATH=/opt/backoffice/app \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
# What the services import is compiled once, here, because nothing can be written there later; and the
# build fails where a module is missing.
RUN python -c "import backoffice.cli.simulate, services.transactions.app, services.compliance.app, services.reporting.app" \
 && backoffice --help > /dev/null
ENV PYTHONDONTWRITEBYTECODE=1

USER 10001:10001
# The one folder that can be written to: `report run` leaves its files there.
WORKDIR /tmp
STOPSIGNAL SIGTERM
ENTRYPOINT ["backoffice"]
CMD ["--help"]

#include "zoneid.h"

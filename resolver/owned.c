#include "owned.h"
